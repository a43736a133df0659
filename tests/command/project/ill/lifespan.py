"""Two that start, and do not work."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


@lifespan_resource("cache", optional=True)
async def cache() -> AsyncGenerator[str]:
    yield "the cache"


@lifespan_resource("db")
async def db() -> AsyncGenerator[str]:
    yield "the db"


@cache.health
@db.health
def refuses(_: str) -> None:
    raise ConnectionError("no route")
