"""Two that fail to close."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


@lifespan_resource("db")
async def db() -> AsyncGenerator[str]:
    yield "the db"
    raise OSError("the db is gone")


@lifespan_resource("cache", needs=(db,), optional=True)
async def cache(_: str) -> AsyncGenerator[str]:
    yield "the cache"
    raise OSError("the cache is gone")
