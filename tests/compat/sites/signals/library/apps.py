"""Connects the receivers when the site is set up."""

from django.apps import AppConfig
from django_asgi_lifespan.signals import asgi_shutdown, asgi_startup


class LibraryConfig(AppConfig):
    name = "library"

    def ready(self):
        from library.handlers import SignalHandler

        handler = SignalHandler(app_config=self)
        asgi_startup.connect(handler.startup, weak=False)
        asgi_shutdown.connect(handler.shutdown, weak=False)
