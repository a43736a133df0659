"""The books, which are in the public domain, each with a number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple


class ShelvedBook(NamedTuple):
    """A book as the service sends it."""

    number: int
    title: str
    author: str
    #: The year of the first publication.
    year: int
    #: The first sentence.
    opening: str


_FILE: Final = Path(__file__).with_name("books.json")
_BOOKS: Final = tuple(
    ShelvedBook(**book) for book in json.loads(_FILE.read_text(encoding="utf-8"))
)

SHELF: Final = {book.number: book for book in _BOOKS}


def search(words: str) -> list[ShelvedBook]:
    """Return the books with all *words* in title or author; without words, all."""
    wanted = _folded(words).split()
    return [
        book
        for book in _BOOKS
        if all(word in _folded(f"{book.title} {book.author}") for word in wanted)
    ]


def _folded(text: str) -> str:
    """Fold case, and replace the apostrophe that keyboards do not have."""
    return text.casefold().replace("’", "'")
