from collections.abc import AsyncGenerator

import httpx
from django.conf import settings

from django_lifespan_typed import lifespan_resource


@lifespan_resource("http_client")
async def http_client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=settings.BOOKS_URL) as client:
        yield client
