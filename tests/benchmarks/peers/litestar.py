"""Litestar: the application's state, which its lifespan fills."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, get

from django_lifespan_typed import run_asgi_lifespan
from tests.benchmarks.gathering import Ask, asker, hold

from .value import NUMBER

FETCHES = {"request.app.state.number": "request.app.state.number"}


@get("/")
async def view(request: Request[Any, Any, Any]) -> None:
    await hold(request)


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncGenerator[None, None]:
    app.state.number = NUMBER
    yield


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    # Its own would turn on the logging of the whole process.
    app: Any = Litestar(
        route_handlers=[view], lifespan=[_lifespan], logging_config=None
    )
    async with run_asgi_lifespan(app) as state:
        yield asker(app, state)
