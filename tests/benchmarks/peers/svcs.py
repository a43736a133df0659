"""svcs: services by type, from the container of a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import svcs
import svcs.starlette
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from django_lifespan_typed import run_asgi_lifespan
from tests.benchmarks.gathering import Ask, asker
from tests.benchmarks.shapes import Shape

from .starlette import view
from .value import KINDS, NUMBER, Number, generator


async def _fetch(requests: Iterable[Any]) -> None:
    for request in requests:
        await svcs.starlette.aget(request, Number)


async def _fetch_sync(requests: Iterable[Any]) -> None:
    for request in requests:
        svcs.starlette.svcs_from(request).get(Number)


FETCHES = {
    "await svcs.starlette.aget(request, Number)": _fetch,
    "svcs_from(request).get(Number)": _fetch_sync,
}


async def _lifespan(
    _app: Starlette, registry: svcs.Registry
) -> AsyncGenerator[dict[str, object], None]:
    registry.register_value(Number, NUMBER)
    yield {}


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    app: Any = Starlette(
        routes=[Route("/", view)],
        lifespan=svcs.starlette.lifespan(_lifespan),
        middleware=[Middleware(svcs.starlette.SVCSMiddleware)],
    )
    async with run_asgi_lifespan(app) as state:
        yield asker(app, state)


def starting(
    shape: Shape, pause: float
) -> Callable[[], AbstractAsyncContextManager[object]]:
    registry = svcs.Registry()
    for number, needs in enumerate(shape):
        kinds = [KINDS[need] for need in needs]
        registry.register_factory(KINDS[number], _factory(KINDS[number], kinds, pause))

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        async with svcs.Container(registry) as container:
            # In an order in which dependencies come first.
            await container.aget(*KINDS[: len(shape)])
            yield container

    return run


def _factory(
    kind: type[Any], needs: list[type[Any]], pause: float
) -> Callable[..., AsyncGenerator[Any, None]]:
    made = asynccontextmanager(generator(kind, needs, pause))

    async def factory(svcs_container: svcs.Container) -> AsyncGenerator[Any, None]:
        values = [await svcs_container.aget(need) for need in needs]
        async with made(*values) as value:
            yield value

    return factory
