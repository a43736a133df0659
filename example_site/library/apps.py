"""The app config; ``lifespan.py`` is imported without it."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

from django_lifespan_typed.register import register_lifespan_manager


class LibraryConfig(AppConfig):
    """The library."""

    name = "example_site.library"

    def ready(self) -> None:
        """Import the receivers, and register the manager."""
        import_module(f"{self.name}.receivers")

        managers = import_module(f"{self.name}.managers")
        register_lifespan_manager(context_manager=managers.visits)
