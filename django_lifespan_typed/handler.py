"""LifespanASGIHandler: Django's ASGI handler, which answers the lifespan, too."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIHandler

from ._asgi.gate import Gate
from ._asgi.protocol import gate_for_server, serve
from ._compat import override
from ._declare.registry import Registry

__all__ = ["LifespanASGIHandler"]


class LifespanASGIHandler(ASGIHandler):
    """
    Handles requests as Django does, and answers the lifespan.

    Requests are served once the startup is over, and refused with 503 if it failed.

    :param registry: the ``Registry`` to start; None for the default one.
    """

    _registry: Registry | None = None

    def __init__(self, registry: Registry | None = None) -> None:
        super().__init__()
        self._registry = registry
        _ = self._gate

    # A subclass may leave out super().__init__(), as ASGIStaticFilesHandler does.
    @cached_property
    def _gate(self) -> Gate:
        return gate_for_server(self._registry)

    @property
    def registry(self) -> Registry:
        """The registry whose resources the lifespan starts."""
        return self._gate.registry

    # Any: asgiref, Starlette and httpx each have types of their own for these.
    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, or the one lifespan of an event loop."""
        await serve(self._gate, super().__call__, scope, receive, send)

    # A shutdown waits for what serves a request: a task for its view since Django 5.0,
    # which Django leaves running if the server cancels the request, or a thread. Not
    # async, because it costs each request a coroutine less.
    @override
    def get_response_async(self, request: Any) -> Any:
        """Record the task of the view, which sends the response, too."""
        self._gate.requests().record_view()
        return super().get_response_async(request)

    @override
    def make_view_atomic(self, view: Any) -> Any:
        """Record the calls of a sync view, which run in a thread."""
        view = super().make_view_atomic(view)
        if iscoroutinefunction(view):
            return view
        return self._gate.requests().recording(view)
