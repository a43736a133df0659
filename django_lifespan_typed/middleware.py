"""LifespanStateMiddleware: sets ``request.state``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http.response import HttpResponseBase

from ._runtime.lookup import values_for_request
from ._runtime.state import LifespanState

__all__ = ["AsyncMiddleware", "LifespanStateMiddleware"]


class LifespanStateMiddleware:
    """
    Sets ``request.state``, a ``LifespanState``, in sync and async middleware stacks.

    Under an ASGI lifespan it is a view on the request's own ``scope["state"]``.
    Elsewhere (WSGI, test clients) it has a copy of what runs in this process, if
    anything.
    """

    sync_capable: bool = True
    async_capable: bool = True

    get_response: Callable[[Any], HttpResponseBase | Awaitable[Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A subclass whose async __call__ awaits ours, as in django-asgi-lifespan, works
        # in async stacks only.
        if iscoroutinefunction(cls.__call__) and "sync_capable" not in vars(cls):
            cls.sync_capable = False

    def __init__(
        self, get_response: Callable[[Any], HttpResponseBase | Awaitable[Any]]
    ) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            mark: Any = markcoroutinefunction  # annotated for functions only
            mark(self)

    def __call__(self, request: Any) -> HttpResponseBase | Awaitable[Any]:
        """Pass on *request*, an ``HttpRequest``; async in an async stack."""
        state = getattr(request, "scope", {}).get("state")
        if state is None:
            state = values_for_request()
        request.state = LifespanState(state)
        return self.get_response(request)


AsyncMiddleware: Final = LifespanStateMiddleware
"""The name in the first versions of django-asgi-lifespan."""
