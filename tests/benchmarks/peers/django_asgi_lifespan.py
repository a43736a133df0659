"""django-asgi-lifespan: managers that each yield a part of the state."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from django.test import override_settings
from django_asgi_lifespan.handler import LifespanASGIHandler
from django_asgi_lifespan.register import register_lifespan_manager
from django_asgi_lifespan.signals import asgi_lifespan

from django_lifespan_typed import run_asgi_lifespan
from tests.benchmarks.gathering import Ask, served
from tests.benchmarks.shapes import Shape

from .value import NUMBER, Factory, Start, factories

FETCHES = {'request.state["number"]': 'request.state["number"]'}
MIDDLEWARE = ["django_asgi_lifespan.middleware.LifespanStateMiddleware"]


def application() -> LifespanASGIHandler:
    register_lifespan_manager(context_manager=_number)
    return LifespanASGIHandler()


@asynccontextmanager
async def _number() -> AsyncGenerator[dict[str, Any], None]:
    yield {"number": NUMBER}


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    with only_managers([]):
        with override_settings(MIDDLEWARE=MIDDLEWARE):
            app = application()
        async with served(app, "/hold/") as ask:
            yield ask


def starting(shape: Shape, pause: float) -> Start | None:
    if any(shape):
        return None  # managers have no dependencies
    with only_managers([]):
        for count, factory in enumerate(factories(shape, pause)):
            manager = partial(_manager, f"resource {count}", factory)
            register_lifespan_manager(context_manager=manager)
        registered = asgi_lifespan.receivers

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        # Each manager starts once.
        with only_managers(registered):
            async with run_asgi_lifespan(LifespanASGIHandler()) as state:
                yield state

    return run


@asynccontextmanager
async def _manager(name: str, factory: Factory) -> AsyncGenerator[dict[str, Any], None]:
    entered: AbstractAsyncContextManager[Any] = asynccontextmanager(factory)()
    async with entered as value:
        yield {name: value}


@contextmanager
def only_managers(receivers: list[Any]) -> Iterator[None]:
    """Replace the managers registered in the process by *receivers*."""
    before = asgi_lifespan.receivers
    asgi_lifespan.receivers = receivers
    asgi_lifespan.sender_receivers_cache.clear()
    try:
        yield
    finally:
        asgi_lifespan.receivers = before
        asgi_lifespan.sender_receivers_cache.clear()
