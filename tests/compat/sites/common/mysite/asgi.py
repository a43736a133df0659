"""The application, wrapped in a function as the quick start shows it."""

import os

from django_asgi_lifespan.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

django_application = get_asgi_application()


async def application(scope, receive, send):
    if scope["type"] not in {"http", "lifespan"}:
        raise NotImplementedError(f"no such scope here: {scope['type']}")
    await django_application(scope, receive, send)
