from collections.abc import AsyncGenerator

from django_lifespan_typed import Lifespan, StateKey, lifespan_resource

CACHE = StateKey[dict[str, str]]("cache")


@lifespan_resource("pages", needs=(CACHE,))
async def pages(cache: dict[str, str]) -> AsyncGenerator[list[str]]:
    yield [*cache]


@lifespan_resource(CACHE, needs=(pages,))
async def cache(pages: list[str]) -> AsyncGenerator[dict[str, str]]:
    yield dict.fromkeys(pages, "")


with Lifespan():
    pass
