import json
from collections.abc import AsyncGenerator

import httpx
from django.conf import settings

from django_lifespan_typed import lifespan_resource, lifespan_task
from django_lifespan_typed.locks import DatabaseLock

from .models import Price


@lifespan_resource("httpx_client")
async def httpx_client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@lifespan_task(
    "price_feed",
    needs=(httpx_client,),
    exclusive=DatabaseLock(),  # in one process of all
    restart="always",  # also after the other side has closed the feed
)
async def price_feed(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", settings.PRICES_URL) as feed:
        feed.raise_for_status()
        async for line in feed.aiter_lines():
            price = json.loads(line)
            await Price.objects.aupdate_or_create(
                isbn=price["isbn"], defaults={"value": price["value"]}
            )
