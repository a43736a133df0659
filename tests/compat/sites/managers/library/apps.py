"""Registers the context manager when the site is set up."""

from django.apps import AppConfig
from django_asgi_lifespan.register import register_lifespan_manager


class LibraryConfig(AppConfig):
    name = "library"

    def ready(self):
        from library.context import books_lifespan_manager

        register_lifespan_manager(context_manager=books_lifespan_manager)
