"""What all is well with, but for what is optional."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from django_lifespan_typed import lifespan_resource
from django_lifespan_typed.register import register_lifespan_manager


@lifespan_resource("db", start_timeout=5, stop_timeout=2.5)
async def db() -> AsyncGenerator[list[str]]:
    yield ["emma"]


@db.health
async def answers(books: list[str]) -> bool:
    return "emma" in books


@lifespan_resource("cache", stop_timeout=float("inf"))
async def cache() -> AsyncGenerator[dict[str, str]]:
    yield {}


@lifespan_resource("catalogue", needs=(db, cache))
async def catalogue(
    books: list[str], cached: dict[str, str]
) -> AsyncGenerator[tuple[str, ...]]:
    yield (*books, *cached)


@lifespan_resource("search", needs=(catalogue, db), optional=True)
async def search(books: tuple[str, ...], db: list[str]) -> AsyncGenerator[Any]:
    raise ConnectionError("no search at port 9")
    yield


@asynccontextmanager
async def prices() -> AsyncGenerator[dict[str, Any]]:
    yield {"price": 7}


register_lifespan_manager(context_manager=prices)
