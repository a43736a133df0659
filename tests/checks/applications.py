"""Applications as an asgi.py or wsgi.py defines them."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter
from django.contrib.staticfiles.handlers import (
    ASGIStaticFilesHandler,
    StaticFilesHandler,
)
from django.core.asgi import get_asgi_application as django_asgi
from django.core.handlers.asgi import ASGIHandler
from django.core.wsgi import get_wsgi_application as django_wsgi
from django.test import override_settings
from starlette.middleware.cors import CORSMiddleware

from django_lifespan_typed import Registry
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan
from django_lifespan_typed.wsgi import get_wsgi_application


class Wrapper:
    """Middleware as Channels writes it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.inner(scope, receive, send)


class Handler(ASGIHandler):
    """A subclass, which may answer the lifespan itself."""


async def function(scope: Any, receive: Any, send: Any) -> None:
    await django_asgi()(scope, receive, send)


own_registry = Registry()

ours = get_asgi_application(own_registry)
ours_in_wrappers = Wrapper(CORSMiddleware(ours))
ours_around_router = with_lifespan(
    ProtocolTypeRouter({"http": django_asgi()}), own_registry
)
ours_in_router = ProtocolTypeRouter({"http": django_asgi(), "lifespan": ours})

plain = django_asgi()
plain_in_wrappers = Wrapper(CORSMiddleware(plain))
plain_in_router = ProtocolTypeRouter({"http": ours, "lifespan": plain})

router = ProtocolTypeRouter({"http": plain})
router_of_ours = Wrapper(ProtocolTypeRouter({"http": ours}))

handler = Handler()
itself = Wrapper(None)
itself.inner = itself

wsgi_ours = get_wsgi_application(own_registry)
wsgi_plain = django_wsgi()

with override_settings(STATIC_URL="static/"):
    ours_in_static = ASGIStaticFilesHandler(ours)
    plain_in_static = ASGIStaticFilesHandler(plain)
    wsgi_ours_in_static = StaticFilesHandler(wsgi_ours)
    wsgi_plain_in_static = StaticFilesHandler(wsgi_plain)
