"""The shelf: books in the public domain, each with a number of the library's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple


class ShelvedBook(NamedTuple):
    """One book, as the service sends it."""

    number: int
    title: str
    author: str
    #: When it was first published; of a serial, when it began.
    year: int
    #: How it begins.
    opening: str


_FILE: Final = Path(__file__).with_name("books.json")
_BOOKS: Final = tuple(
    ShelvedBook(**book) for book in json.loads(_FILE.read_text(encoding="utf-8"))
)

SHELF: Final = {book.number: book for book in _BOOKS}


def search(words: str) -> list[ShelvedBook]:
    """Every book with all *words* in its title or author; all books for none."""
    wanted = _folded(words).split()
    return [
        book
        for book in _BOOKS
        if all(word in _folded(f"{book.title} {book.author}") for word in wanted)
    ]


def _folded(text: str) -> str:
    """As people type it: without capitals, and with the apostrophe of a keyboard."""
    return text.casefold().replace("’", "'")
