from collections.abc import AsyncGenerator

from django.http import HttpRequest, JsonResponse

from django_lifespan_typed import get_state, lifespan_resource
from django_lifespan_typed.testing import override_state

from .keys import PRICES
from .lifespan import httpx_client


async def price(request: HttpRequest) -> JsonResponse:
    prices = get_state(request, PRICES)
    return JsonResponse({"price": await prices.off("9780141439587")})  # error


@lifespan_resource("labels", needs=(httpx_client,))  # error
async def labels(client: str) -> AsyncGenerator[list[str]]:
    yield [client]


override_state(PRICES, {"9780141439587": 7})  # error
