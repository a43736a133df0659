"""The reading list: views that ask the database and the shared client together."""

from __future__ import annotations

from asyncio import gather

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from django_lifespan_typed import get_state

from .lifespan import catalogue
from .models import LONGEST_NOTE, Entry


async def index(request: HttpRequest) -> HttpResponse:
    """Each book on the list, the latest first; all are fetched at once."""
    books = get_state(request, catalogue)
    entries = [entry async for entry in Entry.objects.all()]
    found = await gather(*(books.find(entry.number) for entry in entries))
    # A book that the service no longer has stays on the list, unseen.
    lines = [(entry, book) for entry, book in zip(entries, found, strict=True) if book]
    return render(request, "library/reading_list.html", {"lines": lines})


class Keep(View):
    """The form of a book's page."""

    async def post(self, request: HttpRequest, number: int) -> HttpResponse:
        """Put the book on the list, or write another note beside it."""
        if await get_state(request, catalogue).find(number) is None:
            raise Http404(f"The library has no book of the number {number}.")
        note = str(request.POST.get("note", "")).strip()[:LONGEST_NOTE]
        # One statement: SQLite lets no reader become a writer beside another.
        await Entry.objects.abulk_create(
            [Entry(number=number, note=note)],
            update_conflicts=True,
            unique_fields=["number"],
            update_fields=["note"],
        )
        return redirect("reading_list")


class Forget(View):
    """The button beside a book of the list."""

    async def post(self, request: HttpRequest, number: int) -> HttpResponse:
        """Take the book off the list."""
        await Entry.objects.filter(number=number).adelete()
        return redirect("reading_list")
