"""Django's ASGI handler, answering the lifespan too."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Any

from django.core.handlers.asgi import ASGIHandler

from ._asgi.gate import host_of, refuse
from ._asgi.protocol import answer_lifespan
from ._asgi.servers import attach
from ._compat import override
from ._declare.registry import Registry, default_registry

__all__ = ["LifespanASGIHandler"]


class LifespanASGIHandler(ASGIHandler):
    """
    Django's own handler for requests; ours for the lifespan.

    *registry* is what the lifespan starts; the default one unless told otherwise.
    Requests are served once the start is over, and refused with 503 if it failed.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        super().__init__()
        self._registry = default_registry if registry is None else registry
        self._host = host_of(self._registry)
        self._serving = self._host.serving
        attach(self._host)

    # Any: asgiref, Starlette and httpx each have types of their own for these.
    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, or the one lifespan of an event loop."""
        if scope["type"] == "lifespan":
            await answer_lifespan(self._host.lifespan, scope, receive, send)
        elif get_running_loop() in self._serving or await self._host.admit(scope):
            await super().__call__(scope, receive, send)
        else:
            await refuse(scope, send)
