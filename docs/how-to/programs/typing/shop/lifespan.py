from collections.abc import AsyncGenerator

import httpx

from django_lifespan_typed import lifespan_resource

from .keys import PRICES


@lifespan_resource("httpx_client")
async def httpx_client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


class HttpPrices:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def of(self, isbn: str) -> int:
        answer = await self.client.get(f"http://prices.internal/{isbn}")
        return int(answer.text)


@lifespan_resource(PRICES, needs=(httpx_client,))
async def prices(client: httpx.AsyncClient) -> AsyncGenerator[HttpPrices]:
    yield HttpPrices(client)
