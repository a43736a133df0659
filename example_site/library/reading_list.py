"""The reading list: views with both the database and the shared client."""

from __future__ import annotations

from asyncio import gather

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from django_lifespan_typed import get_state

from .lifespan import catalogue
from .models import LONGEST_NOTE, Entry


async def index(request: HttpRequest) -> HttpResponse:
    """The books on the list, the latest first, fetched concurrently."""
    books = get_state(request, catalogue)
    entries = [entry async for entry in Entry.objects.all()]
    found = await gather(*(books.find(entry.number) for entry in entries))
    # Hide a book that the service does not have any more.
    lines = [(entry, book) for entry, book in zip(entries, found, strict=True) if book]
    return render(request, "library/reading_list.html", {"lines": lines})


class Keep(View):
    """The form on the page of a book."""

    async def post(self, request: HttpRequest, number: int) -> HttpResponse:
        """Add the book to the list, or change its note."""
        if await get_state(request, catalogue).find(number) is None:
            raise Http404(f"The library has no book with the number {number}.")
        note = str(request.POST.get("note", "")).strip()[:LONGEST_NOTE]
        # One statement: in SQLite two readers cannot both become writers.
        await Entry.objects.abulk_create(
            [Entry(number=number, note=note)],
            update_conflicts=True,
            unique_fields=["number"],
            update_fields=["note"],
        )
        return redirect("reading_list")


class Forget(View):
    """The button next to a book on the list."""

    async def post(self, request: HttpRequest, number: int) -> HttpResponse:
        """Remove the book from the list."""
        await Entry.objects.filter(number=number).adelete()
        return redirect("reading_list")
