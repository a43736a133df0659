"""One that starts, and one that needs it and does not."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


@lifespan_resource("db")
async def db() -> AsyncGenerator[str]:
    yield "the db"


@lifespan_resource("github", needs=(db,))
async def github(_: str) -> AsyncGenerator[str]:
    raise ConnectionError("github is down")
    yield
