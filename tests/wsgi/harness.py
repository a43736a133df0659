"""A site for scripts: ``from tests.wsgi.harness import *``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory
from django.urls import path

settings.configure(
    SECRET_KEY="for tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django_lifespan_typed.middleware.LifespanStateMiddleware"],
    USE_TZ=True,
)
django.setup()

from django_lifespan_typed import (  # noqa: E402
    Lifespan,
    LifespanRequest,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup  # noqa: E402
from django_lifespan_typed.wsgi import get_wsgi_application  # noqa: E402
from tests.gates import happened  # noqa: E402

__all__ = [
    "Any",
    "AsyncGenerator",
    "Lifespan",
    "Registry",
    "ThreadPoolExecutor",
    "add",
    "asgi_shutdown",
    "asgi_startup",
    "asyncio",
    "current_state",
    "get",
    "get_wsgi_application",
    "happened",
    "lifespan_resource",
    "threading",
]

DB = StateKey[str]("db")


def add(name: str, registry: Registry, *, fails_at: str = "") -> None:
    """Declare a resource that prints when it starts and stops."""

    @lifespan_resource(name, registry=registry)
    async def resource() -> AsyncGenerator[str]:
        happened(f"+{name}")
        if fails_at == "start":
            raise RuntimeError("no route to host")
        yield f"the {name}"
        if fails_at == "stop":
            raise RuntimeError("still in use")
        happened(f"-{name}")


def values(request: LifespanRequest) -> JsonResponse:
    by_key = [get_state(request, DB), request.state[DB], current_state()[DB]]
    return JsonResponse([*by_key, request.state["db"]], safe=False)


async def values_async(request: LifespanRequest) -> JsonResponse:
    return values(request)


async def _loop() -> int:
    return id(asyncio.get_running_loop())


def place(request: HttpRequest) -> HttpResponse:
    """The loop and the thread of a sync view."""
    return HttpResponse(f"{async_to_sync(_loop)()} {threading.get_ident()}")


async def place_async(request: HttpRequest) -> HttpResponse:
    """The loop of an async view, and the thread of sync code in it."""
    thread = await sync_to_async(threading.get_ident)()
    return HttpResponse(f"{await _loop()} {thread}")


urlpatterns: list[Any] = [
    path("values", values),
    path("values-async", values_async),
    path("place", place),
    path("place-async", place_async),
]


def get(application: Any, path: str) -> tuple[str, str]:
    """The status and the body of the answer."""
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        statuses.append(status)

    response = application(RequestFactory().get(path).environ, start_response)
    body = b"".join(response).decode()
    response.close()
    return statuses[0], body
