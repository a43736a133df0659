from collections.abc import AsyncGenerator

import httpx
from django.conf import settings

from django_lifespan_typed import lifespan_resource


@lifespan_resource("httpx_client")
async def httpx_client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=settings.BOOKS_URL,
        timeout=httpx.Timeout(5, connect=1),
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=10),
    ) as client:
        yield client
