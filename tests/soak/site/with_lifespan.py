"""URLs and views of the site whose lines are resources."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path

from django_lifespan_typed import get_state

from .held import memory
from .lifespan import shop, till


async def in_loop(request: HttpRequest, number: str) -> JsonResponse:
    """Takes a while."""
    await get_state(request, shop).ask(f"use {number}")
    return JsonResponse({"number": number})


def in_thread(request: HttpRequest, number: str) -> JsonResponse:
    """Talks to the blocking line."""
    get_state(request, till).ask(f"count {number}")
    return JsonResponse({"number": number})


urlpatterns = [
    path("async/<number>", in_loop),
    path("sync/<number>", in_thread),
    path("memory/<number>", memory),
]
