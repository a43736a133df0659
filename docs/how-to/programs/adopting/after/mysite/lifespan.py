import json
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
from django.conf import settings

from django_lifespan_typed import lifespan_resource


@lifespan_resource("http_client")
async def http_client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=settings.BOOKS_URL) as client:
        yield client


# Not async: it blocks, so it runs in a thread of its own.
@lifespan_resource("prices")
def prices() -> Generator[dict[str, str]]:
    yield json.loads(Path("prices.json").read_text())
