"""A project that is tested with our tools; the folder is a package for linters."""
