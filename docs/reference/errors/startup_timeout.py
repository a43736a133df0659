import asyncio
from collections.abc import AsyncGenerator

from django_lifespan_typed import Lifespan, lifespan_resource


@lifespan_resource("cache", start_timeout=0.1)
async def cache() -> AsyncGenerator[dict[str, str]]:
    await asyncio.Event().wait()  # for ever
    yield {}


@lifespan_resource("pages", needs=(cache,))
async def pages(cache: dict[str, str]) -> AsyncGenerator[list[str]]:
    yield [*cache]


with Lifespan():
    pass
