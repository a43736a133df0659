import asyncio
from collections.abc import AsyncGenerator

from django_lifespan_typed import Lifespan, lifespan_resource


@lifespan_resource("cache")
async def cache() -> AsyncGenerator[dict[str, str]]:
    yield {}


@lifespan_resource("pages", needs=(cache,), stop_timeout=0.1)
async def pages(cache: dict[str, str]) -> AsyncGenerator[list[str]]:
    yield [*cache]
    await asyncio.Event().wait()  # for ever


with Lifespan():
    pass
