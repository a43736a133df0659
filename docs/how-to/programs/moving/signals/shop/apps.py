from django.apps import AppConfig
from django_asgi_lifespan.signals import asgi_shutdown, asgi_startup


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        from .handlers import SignalHandler

        handler = SignalHandler(self)
        asgi_startup.connect(handler.startup, weak=False)
        asgi_shutdown.connect(handler.shutdown, weak=False)
