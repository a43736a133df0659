from django.apps import AppConfig
from django_asgi_lifespan.register import register_lifespan_manager


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        from .context import warehouse_manager

        register_lifespan_manager(context_manager=warehouse_manager)
