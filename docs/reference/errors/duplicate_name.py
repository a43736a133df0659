from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


@lifespan_resource("cache")
async def first() -> AsyncGenerator[dict[str, str]]:
    yield {}


@lifespan_resource("cache")
async def second() -> AsyncGenerator[dict[str, str]]:
    yield {}
