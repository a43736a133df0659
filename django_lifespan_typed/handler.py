"""Django's ASGI handler, answering the lifespan too."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Final

from django.core.handlers.asgi import ASGIHandler
from typing_extensions import override

from ._host import Host
from ._protocol import answer_lifespan
from ._registry import Registry, default_registry
from .types import Receive, Scope, Send

__all__ = ["LifespanASGIHandler"]

_UNAVAILABLE: Final = b"Service Unavailable: the application has not started.\n"


class LifespanASGIHandler(ASGIHandler):
    """
    Django's own handler for requests; ours for the lifespan.

    *registry* is what the lifespan starts; the default one unless told otherwise.
    Requests are served once the start is over, and refused with 503 if it failed.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        super().__init__()
        self._host = Host(default_registry if registry is None else registry)
        self._serving = self._host.serving

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the one lifespan of an event loop."""
        if scope["type"] == "lifespan":
            await answer_lifespan(self._host.lifespan, scope, receive, send)
        elif get_running_loop() in self._serving or await self._host.admit(scope):
            await super().__call__(scope, receive, send)
        else:
            await _refuse(scope, send)


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] != "http":
        raise ValueError(f"no lifespan runs for a connection of {scope['type']!r}")
    headers = [(b"content-type", b"text/plain"), (b"retry-after", b"10")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _UNAVAILABLE})
