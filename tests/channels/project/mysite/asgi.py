"""The application, as the documentation writes it."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from django_lifespan_typed.asgi import get_asgi_application, with_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Before what needs Django's apps.
django_application = get_asgi_application()

from .consumers import InAsyncConsumer, InSyncConsumer  # noqa: E402

application = with_lifespan(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": URLRouter(
                [
                    path("async", InAsyncConsumer.as_asgi()),
                    path("sync", InSyncConsumer.as_asgi()),
                ]
            ),
        }
    )
)
