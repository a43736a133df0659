"""The Django part of the site."""

from __future__ import annotations

from typing import Any

from books.models import Book
from django.http import HttpRequest, JsonResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import api_state, http_client


async def page(request: HttpRequest) -> JsonResponse:
    """Uses what the mounted applications use."""
    answer = await get_state(request, http_client).get("/9780141439587")
    return JsonResponse(
        {
            "price": answer.text,
            "books": await Book.objects.acount(),
            "stock": get_state(request, api_state)["stock"],
        }
    )


urlpatterns: list[Any] = [path("page", page)]
