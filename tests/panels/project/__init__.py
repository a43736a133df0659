"""A project with the debug toolbar."""
