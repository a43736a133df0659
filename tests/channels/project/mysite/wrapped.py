"""The same, in all that teams wrap an application with."""

from __future__ import annotations

from typing import Any

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from django_lifespan_typed.asgi import with_lifespan
from tests.processes import journaled

from .asgi import application as routed


class Monitoring:
    """As Sentry's: it knows no lifespan, and passes a scope of its own on."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] in {"http", "websocket"}
        await self.app(dict(scope), receive, send)


async def function(scope: Any, receive: Any, send: Any) -> None:
    """A middleware that is a plain function."""
    await Monitoring(ASGIStaticFilesHandler(routed))(scope, receive, send)


application = journaled(with_lifespan(function))
