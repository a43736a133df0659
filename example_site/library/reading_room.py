"""The reading room: who has which book open now."""

from __future__ import annotations

from collections import Counter
from typing import final

from .catalogue import Book


@final
class ReadingRoom:
    """The visitors of this process; each has a name, and at most one book open."""

    def __init__(self) -> None:
        self._open: dict[str, Book | None] = {}

    def enter(self, visitor: str, book: Book | None = None) -> None:
        """Let *visitor* in, or open another book before a visitor who is in."""
        self._open[visitor] = book

    def leave(self, visitor: str) -> None:
        """Let *visitor* out, who may never have come in."""
        self._open.pop(visitor, None)

    @property
    def visitors(self) -> int:
        """How many are here, with or without a book."""
        return len(self._open)

    @property
    def reading(self) -> list[tuple[Book, int]]:
        """Every open book with the number of its readers, the most read first."""
        return Counter(book for book in self._open.values() if book).most_common()
