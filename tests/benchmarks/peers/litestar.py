"""Litestar: the application's state, which its lifespan fills."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, get

from tests.benchmarks.gathering import hold, served

from .value import NUMBER, Serving

FETCHES = {"request.app.state.number": "request.app.state.number"}


@get("/")
async def view(request: Request[Any, Any, Any]) -> None:
    await hold(request)


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncGenerator[None, None]:
    app.state.number = NUMBER
    yield


def serving() -> Serving:
    # Its own would turn on the logging of the whole process.
    app: Any = Litestar([view], lifespan=[_lifespan], logging_config=None)
    return served(app)
