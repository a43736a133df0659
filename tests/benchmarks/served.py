"""
One of three sites for a real server: its view fetches a resource and answers.

``BENCHMARK_SITE`` is the name of a function below.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from .site import USUAL

Fetch: TypeAlias = Callable[[Any], object]
"""Gets the resource from the request of a view."""


def bare() -> tuple[Any, Fetch]:
    from django.core.asgi import get_asgi_application

    resources = {"number": 1}
    return get_asgi_application(), lambda _request: resources["number"]


def django_asgi_lifespan() -> tuple[Any, Fetch]:
    from django_asgi_lifespan.asgi import get_asgi_application
    from django_asgi_lifespan.register import register_lifespan_manager

    @asynccontextmanager
    async def manager() -> AsyncGenerator[dict[str, int], None]:
        yield {"number": 1}

    register_lifespan_manager(context_manager=manager)
    settings.MIDDLEWARE.append(
        "django_asgi_lifespan.middleware.LifespanStateMiddleware"
    )
    return get_asgi_application(), lambda request: request.state["number"]


def ours() -> tuple[Any, Fetch]:
    from django_lifespan_typed import get_state, lifespan_resource
    from django_lifespan_typed.asgi import get_asgi_application

    @lifespan_resource("number")
    async def number() -> AsyncGenerator[int, None]:
        yield 1

    settings.MIDDLEWARE.append(
        "django_lifespan_typed.middleware.LifespanStateMiddleware"
    )
    return get_asgi_application(), lambda request: get_state(request, number)


async def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{fetch(request)}")


urlpatterns = [path("", index)]

settings.configure(
    SECRET_KEY="of the benchmarks",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[*USUAL],
    USE_TZ=True,
)
django.setup()
application, fetch = globals()[os.environ["BENCHMARK_SITE"]]()
