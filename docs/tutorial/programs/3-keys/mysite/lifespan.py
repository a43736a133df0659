from collections.abc import AsyncGenerator

import httpx
from django.conf import settings

from django_lifespan_typed import lifespan_resource

from .keys import CATALOGUE


class HttpCatalogue:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.prices: dict[str, str] = {}

    async def price(self, title: str) -> str | None:
        if title not in self.prices:
            answer = await self.client.get(f"/{title}.txt")
            if not answer.is_success:
                return None
            self.prices[title] = answer.text.strip()
        return self.prices[title]


@lifespan_resource("http_client")
async def http_client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=settings.BOOKS_URL) as client:
        yield client


@lifespan_resource(CATALOGUE, needs=(http_client,))
async def catalogue(client: httpx.AsyncClient) -> AsyncGenerator[HttpCatalogue]:
    yield HttpCatalogue(client)
