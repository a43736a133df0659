from collections.abc import AsyncGenerator

from django_lifespan_typed import Lifespan, StateKey, lifespan_resource

CACHE = StateKey[dict[str, str]]("cahce")


@lifespan_resource("cache")
async def cache() -> AsyncGenerator[dict[str, str]]:
    yield {}


@lifespan_resource("pages", needs=(CACHE,))
async def pages(cache: dict[str, str]) -> AsyncGenerator[list[str]]:
    yield [*cache]


with Lifespan():
    pass
