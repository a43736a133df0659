"""The reading room: the visitors and their open books."""

from __future__ import annotations

from collections import Counter
from typing import final

from .catalogue import Book


@final
class ReadingRoom:
    """The visitors of this process, each with at most one open book."""

    def __init__(self) -> None:
        self._open: dict[str, Book | None] = {}

    def enter(self, visitor: str, book: Book | None = None) -> None:
        """Add *visitor*, or change the open book of one who is present."""
        self._open[visitor] = book

    def leave(self, visitor: str) -> None:
        """Remove *visitor* if present."""
        self._open.pop(visitor, None)

    @property
    def visitors(self) -> int:
        """The number of visitors, with or without a book."""
        return len(self._open)

    @property
    def reading(self) -> list[tuple[Book, int]]:
        """The open books with their numbers of readers, most readers first."""
        return Counter(book for book in self._open.values() if book).most_common()
