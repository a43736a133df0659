"""The context manager of the quick start."""

from contextlib import asynccontextmanager

from django_asgi_lifespan.types import LifespanManager

from library.books import BookClient


@asynccontextmanager
async def books_lifespan_manager() -> LifespanManager:
    client = BookClient()
    try:
        yield {"books": client}
    finally:
        await client.aclose()
