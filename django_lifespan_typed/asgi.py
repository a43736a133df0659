"""The ASGI application of a project, with a lifespan."""

from __future__ import annotations

from typing import Any, final

import django

from ._asgi.protocol import gate_for_server, serve
from ._declare.registry import Registry
from .handler import LifespanASGIHandler
from .types import ASGIApplication

__all__ = ["get_asgi_application", "with_lifespan"]


def get_asgi_application(registry: Registry | None = None) -> LifespanASGIHandler:
    """
    Return Django's ASGI application, with a lifespan::

        application = get_asgi_application()

    :param registry: the ``Registry`` to start; None for the default one.
    """
    django.setup(set_prefix=False)
    return LifespanASGIHandler(registry)


@final
class with_lifespan:  # noqa: N801 - used like a function
    """
    Wraps any ASGI application with a lifespan::

        application = with_lifespan(
            ProtocolTypeRouter({"http": get_asgi_application(), "websocket": chat})
        )

    It answers scopes of type ``lifespan`` itself. Every other scope is passed on to
    *app* with the running values once the startup is over, and refused if it failed.
    Applications of the same registry share one lifespan.

    :param registry: the ``Registry`` to start; None for the default one.
    """

    def __init__(self, app: ASGIApplication, registry: Registry | None = None) -> None:
        self.app: ASGIApplication = app
        self._gate = gate_for_server(registry)

    @property
    def registry(self) -> Registry:
        """The registry whose resources the lifespan starts."""
        return self._gate.registry

    # Any: asgiref, Starlette and httpx each have types of their own for these.
    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve one connection, or the one lifespan of an event loop."""
        return await serve(self._gate, self.app, scope, receive, send)
