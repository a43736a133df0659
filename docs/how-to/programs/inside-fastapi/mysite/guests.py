from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def guest_book() -> AsyncGenerator[list[str]]:
    """Stands for a connection pool of the API."""
    print("the guest book opens", flush=True)
    yield []
    print("the guest book closes", flush=True)
