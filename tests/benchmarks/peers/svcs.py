"""svcs: services by type, from the container of a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import svcs
import svcs.starlette
from starlette.applications import Starlette
from starlette.middleware import Middleware
from svcs.starlette import svcs_from

from tests.benchmarks.gathering import served
from tests.benchmarks.shapes import Shape

from .starlette import routes
from .value import KINDS, NUMBER, Factory, Number, Serving, Start, factories

__all__ = ["FETCHES", "serving", "starting", "svcs_from"]

FETCHES = {
    "await svcs.starlette.aget(request, Number)": (
        "await svcs.starlette.aget(request, Number)"
    ),
    "svcs_from(request).get(Number)": "svcs_from(request).get(Number)",
}


async def _lifespan(
    _app: Starlette, registry: svcs.Registry
) -> AsyncGenerator[dict[str, object], None]:
    registry.register_value(Number, NUMBER)
    yield {}


def serving() -> Serving:
    middleware = [Middleware(svcs.starlette.SVCSMiddleware)]
    lifespan = svcs.starlette.lifespan(_lifespan)
    return served(Starlette(routes=routes, lifespan=lifespan, middleware=middleware))


def starting(shape: Shape, pause: float) -> Start:
    registry = svcs.Registry()
    for kind, made, needs in zip(KINDS, factories(shape, pause), shape, strict=False):
        registry.register_factory(kind, _factory(made, [KINDS[need] for need in needs]))

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        async with svcs.Container(registry) as container:
            # In an order in which dependencies come first.
            await container.aget(*KINDS[: len(shape)])
            yield container

    return run


def _factory(made: Factory, needs: list[type[Any]]) -> Factory:
    manager = asynccontextmanager(made)

    async def factory(svcs_container: svcs.Container) -> AsyncGenerator[Any, None]:
        values = [await svcs_container.aget(need) for need in needs]
        async with manager(*values) as value:
            yield value

    return factory
