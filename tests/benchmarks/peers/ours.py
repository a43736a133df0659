"""django-lifespan-typed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from django_lifespan_typed import (
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.benchmarks import site
from tests.benchmarks.gathering import Ask, asker
from tests.benchmarks.shapes import Shape

from .value import KINDS, NUMBER, Number, generator

KEY = StateKey[Number]("number")


async def _fetch(requests: Iterable[Any]) -> None:
    for request in requests:
        get_state(request, KEY)


async def _fetch_by_name(requests: Iterable[Any]) -> None:
    for request in requests:
        request.state["number"]


FETCHES = {
    "get_state(request, KEY)": _fetch,
    'request.state["number"]': _fetch_by_name,
}


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    registry = Registry()

    @lifespan_resource(KEY, registry=registry)
    async def number() -> AsyncGenerator[Number, None]:
        yield NUMBER

    handler = site.lifespan_handler(registry)
    async with run_asgi_lifespan(handler) as state:
        yield asker(handler, state, "/hold/")


def starting(
    shape: Shape, pause: float
) -> Callable[[], AbstractAsyncContextManager[object]]:
    registry = declared(shape, pause)
    handler = LifespanASGIHandler(registry)
    return lambda: run_asgi_lifespan(handler)


def declared(shape: Shape, pause: float) -> Registry:
    registry = Registry()
    resources: list[Any] = []
    for number, needs in enumerate(shape):
        wanted: Any = tuple(resources[need] for need in needs)
        declare: Any = lifespan_resource(
            f"resource {number}", needs=wanted, registry=registry
        )
        kinds = [KINDS[need] for need in needs]
        resources.append(declare(generator(KINDS[number], kinds, pause)))
    return registry
