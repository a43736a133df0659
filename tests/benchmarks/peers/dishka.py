"""dishka: dependencies by type, from the container of a request."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dishka import FromDishka, Provider, Scope, make_async_container
from dishka.integrations.starlette import inject, setup_dishka
from starlette.applications import Starlette
from starlette.requests import Request

from tests.benchmarks.gathering import Ask, served
from tests.benchmarks.shapes import Shape

from .starlette import routes
from .value import KINDS, NUMBER, Number, Start, factories

FETCHES = {
    "number: FromDishka[Number]": "await injected(request)",
    "await request.state.dishka_container.get(Number)": (
        "await request.state.dishka_container.get(Number)"
    ),
}


@inject
async def injected(request: Request, number: FromDishka[Number]) -> None:
    """A view that does nothing else: it costs a call more than an expression does."""


async def _number() -> AsyncGenerator[Number, None]:
    yield NUMBER


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    provider = Provider(scope=Scope.APP)
    provider.provide(_number)
    container = make_async_container(provider)
    app = Starlette(routes=routes)
    with warnings.catch_warnings():
        # dishka 2 moves it to a package of its own.
        warnings.simplefilter("ignore", DeprecationWarning)
        setup_dishka(container, app)
    await container.get(Number)  # made at the first use, which is not a request's
    async with served(app) as ask:
        yield ask
    await container.close()


def starting(shape: Shape, pause: float) -> Start:
    provider = Provider(scope=Scope.APP)
    for factory in factories(shape, pause):
        provider.provide(factory)

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        container = make_async_container(provider)
        try:
            # In an order in which dependencies come first.
            for kind in KINDS[: len(shape)]:
                await container.get(kind)
            yield container
        finally:
            await container.close()

    return run
