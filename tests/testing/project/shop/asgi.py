"""The ASGI application of the shop."""

from __future__ import annotations

from django_lifespan_typed.asgi import get_asgi_application

application = get_asgi_application()
