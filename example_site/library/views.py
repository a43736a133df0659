"""Pages: async views, a sync view, and one that reads a legacy manager's value."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from django_lifespan_typed import LifespanRequest, get_state

from .lifespan import catalogue


async def search(request: HttpRequest) -> HttpResponse:
    """All books, or those with the words that were asked for."""
    words = str(request.GET.get("q", "")).strip()
    books = await get_state(request, catalogue).search(words)
    return render(request, "library/search.html", {"words": words, "books": books})


async def book(request: HttpRequest, number: int) -> HttpResponse:
    """One book."""
    found = await get_state(request, catalogue).find(number)
    if found is None:
        raise Http404(f"The library has no book of the number {number}.")
    return render(request, "library/book.html", {"book": found})


def authors(request: HttpRequest) -> HttpResponse:
    """
    All authors, from a sync view.

    The resource is the same one: under an ASGI server, async_to_sync() runs the
    call on the server's own event loop, where the client was opened.
    """
    books = get_state(request, catalogue)
    found = async_to_sync(books.authors)()
    return render(request, "library/authors.html", {"authors": found})


async def visits(request: LifespanRequest) -> HttpResponse:
    """How often this page was opened: by name, as in django-asgi-lifespan."""
    number = request.state["visits"].record()
    return render(request, "library/visits.html", {"number": number})
