"""The ASGI application of a project that has a lifespan."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Any, final

import django

from ._asgi.gate import host_of, refuse
from ._asgi.protocol import answer_lifespan
from ._asgi.servers import attach
from ._declare.registry import Registry, default_registry
from .handler import LifespanASGIHandler
from .types import ASGIApplication

__all__ = ["get_asgi_application", "with_lifespan"]


def get_asgi_application(registry: Registry | None = None) -> LifespanASGIHandler:
    """
    Django's ``get_asgi_application``, with a lifespan::

        application = get_asgi_application()

    *registry* is what the lifespan starts; the default one unless told otherwise.
    """
    django.setup(set_prefix=False)
    return LifespanASGIHandler(registry)


@final
class with_lifespan:  # noqa: N801 - it reads as the function that it stands for
    """
    Any ASGI application, with a lifespan before it::

        application = with_lifespan(
            ProtocolTypeRouter({"http": get_asgi_application(), "websocket": chat})
        )

    Scopes of type ``lifespan`` end here; every other one is passed on to *app* with
    the state, once the start is over, and refused if it failed. *registry* is what
    the lifespan starts; the default one unless told otherwise. Applications of one
    registry share its lifespan.
    """

    def __init__(self, app: ASGIApplication, registry: Registry | None = None) -> None:
        self.app: ASGIApplication = app
        self._registry = default_registry if registry is None else registry
        self._host = host_of(self._registry)
        attach(self._host)

    # Any: asgiref, Starlette and httpx each have types of their own for these.
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, or the one lifespan of an event loop."""
        if scope["type"] == "lifespan":
            await answer_lifespan(self._host.lifespan, scope, receive, send)
        elif get_running_loop() in self._host.serving or await self._host.admit(scope):
            await self.app(scope, receive, send)
        else:
            await refuse(scope, send)
