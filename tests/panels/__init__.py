"""The panel for django-debug-toolbar."""
