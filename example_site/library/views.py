"""Pages: async views, a sync view, and one with the value of a manager."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from django_lifespan_typed import LifespanRequest, get_state

from .lifespan import catalogue, window
from .models import Entry
from .sources import resource_names


async def search(request: HttpRequest) -> HttpResponse:
    """All books, or the books with the words in ``?q=``."""
    words = str(request.GET.get("q", "")).strip()
    books = await get_state(request, catalogue).search(words)
    shown = None if words else get_state(request, window).book
    found = {"words": words, "books": books, "shown": shown}
    about = {"resources": resource_names()}
    return render(request, "library/search.html", {**found, **about})


async def book(request: HttpRequest, number: int) -> HttpResponse:
    """One book, and its note on the reading list."""
    found = await get_state(request, catalogue).find(number)
    if found is None:
        raise Http404(f"The library has no book with the number {number}.")
    entry = await Entry.objects.filter(number=number).afirst()
    return render(request, "library/book.html", {"book": found, "entry": entry})


def authors(request: HttpRequest) -> HttpResponse:
    """
    All authors, in a sync view.

    It uses the same resource: under an ASGI server, async_to_sync() runs the call
    on the server's event loop, where the client was opened.
    """
    books = get_state(request, catalogue)
    found = async_to_sync(books.authors)()
    return render(request, "library/authors.html", {"authors": found})


async def live(request: HttpRequest) -> HttpResponse:
    """The open books; `LivePage` in consumers.py fills the page."""
    shown = get_state(request, window).book
    return render(request, "library/live.html", {"shown": shown})


async def visits(request: LifespanRequest) -> HttpResponse:
    """The visits of this page, by name as in django-asgi-lifespan."""
    number = request.state["visits"].record()
    return render(request, "library/visits.html", {"number": number})
