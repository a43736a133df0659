from django.http import HttpRequest, JsonResponse
from typing_extensions import assert_type

from django_lifespan_typed import LifespanRequest, current_state, get_state

from .keys import PRICES, Prices


async def price(request: HttpRequest, isbn: str) -> JsonResponse:
    prices = get_state(request, PRICES)
    assert_type(prices, Prices)
    return JsonResponse({"price": await prices.of(isbn)})


async def maybe_price(request: LifespanRequest, isbn: str) -> JsonResponse:
    assert_type(request.state[PRICES], Prices)  # needs the middleware
    assert_type(current_state()[PRICES], Prices)
    prices = get_state(request, PRICES, None)
    assert_type(prices, Prices | None)
    return JsonResponse({"price": prices and await prices.of(isbn)})
