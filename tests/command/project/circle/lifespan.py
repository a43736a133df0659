"""Two that need each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import StateKey, lifespan_resource

CACHE = StateKey[str]("cache")


@lifespan_resource("db", needs=(CACHE,))
async def db(_: str) -> AsyncGenerator[str]:
    yield "the db"


@lifespan_resource(CACHE, needs=(db,))
async def cache(_: str) -> AsyncGenerator[str]:
    yield "the cache"
