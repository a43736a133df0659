"""The JSON API, with the same typed resource as the pages."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from asgiref.sync import async_to_sync
from django.http import HttpRequest, JsonResponse

from django_lifespan_typed import get_state

from .lifespan import catalogue


async def books(request: HttpRequest) -> JsonResponse:
    """All books, or the books with the words in ``?q=``."""
    words = str(request.GET.get("q", ""))
    found = await get_state(request, catalogue).search(words)
    return JsonResponse({"books": [asdict(book) for book in found]})


async def book(request: HttpRequest, number: int) -> JsonResponse:
    """One book, or 404."""
    found = await get_state(request, catalogue).find(number)
    if found is None:
        error = f"The library has no book with the number {number}."
        return JsonResponse({"error": error}, status=HTTPStatus.NOT_FOUND)
    return JsonResponse(asdict(found))


def authors(request: HttpRequest) -> JsonResponse:
    """All authors with their books, in a sync view."""
    found = async_to_sync(get_state(request, catalogue).authors)()
    return JsonResponse({"authors": [asdict(author) for author in found]})
