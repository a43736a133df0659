"""A site with empty views, and a server in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from django_lifespan_typed import Registry, StateKey, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.types import ASGIApplication, Message, Scope, State

NUMBER = StateKey[int]("number")


async def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def held(request: HttpRequest) -> HttpResponse:
    """Wait in the view until the measurement is over."""
    from .gathering import hold  # it stands on this module

    await hold(request)
    return HttpResponse()


urlpatterns = [path("", nothing), path("hold/", held)]

on_this_site = override_settings(ROOT_URLCONF=__name__)


class IdleMiddleware:
    """A middleware like ``LifespanStateMiddleware`` that does nothing."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)


IDLE = f"{__name__}.IdleMiddleware"

# The middleware of `startproject` that needs no app and no database.
USUAL = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def registry_of_one() -> Registry:
    """A registry that starts ``NUMBER``."""
    registry = Registry()

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        return 1

    return registry


def plain_handler(middleware: Sequence[str] = (IDLE,)) -> ASGIHandler:
    """Django's own handler, by default with a middleware that does nothing."""
    with override_settings(MIDDLEWARE=middleware):
        return ASGIHandler()


def lifespan_handler(registry: Registry | None = None) -> LifespanASGIHandler:
    """Our handler with our middleware; by default it starts ``NUMBER``."""
    ours = "django_lifespan_typed.middleware.LifespanStateMiddleware"
    with override_settings(MIDDLEWARE=[ours]):
        return LifespanASGIHandler(registry_of_one() if registry is None else registry)


class Server:
    """A server for one request at a time."""

    def __init__(self, app: ASGIApplication, state: State | None = None) -> None:
        self._app = app
        self._state = state
        self._body_is_sent = False
        self.status = 0
        """The status of the latest response."""

    async def get(self, path: str = "/") -> None:
        """Request a page, with a shallow copy of the state, as servers do."""
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"testserver")],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        if self._state is not None:
            scope["state"] = dict(self._state)
        self._body_is_sent = False
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._body_is_sent:
            # The second call listens for a disconnect, and is cancelled.
            await asyncio.get_running_loop().create_future()
        self._body_is_sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
