"""What is published: the wheel and the sdist, and a project that installs it."""
