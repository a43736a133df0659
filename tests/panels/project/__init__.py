"""A project with the debug toolbar on."""
