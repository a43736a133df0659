from collections.abc import AsyncGenerator

import httpx2
from django.conf import settings

from django_lifespan_typed import lifespan_resource


@lifespan_resource("httpx2_client")
async def httpx2_client() -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=settings.BOOKS_URL,
        timeout=httpx2.Timeout(5, connect=1),
        limits=httpx2.Limits(max_connections=50, max_keepalive_connections=10),
    ) as client:
        yield client
