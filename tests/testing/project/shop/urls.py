"""The pages of the shop."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from shop.lifespan import catalogue, http
from shop.models import Book

from django_lifespan_typed import get_state


def sync(request: HttpRequest) -> HttpResponse:
    """Return the name of the client from a sync view."""
    return HttpResponse(get_state(request, http).name)


async def fetched(request: HttpRequest) -> HttpResponse:
    """Use the client in an async view."""
    return HttpResponse(await get_state(request, catalogue).http.get())


async def books(request: HttpRequest) -> JsonResponse:
    """List the books in an async view."""
    titles = [book.title async for book in Book.objects.order_by("title")]
    return JsonResponse({"books": titles, "http": await get_state(request, http).get()})


urlpatterns = [
    path("sync/", sync),
    path("fetched/", fetched),
    path("books/", books),
]
