"""The window: one book on display."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import final

from .catalogue import Book, Catalogue


@final
class Window:
    """One of *books* on display; *changed* is called when it changes."""

    def __init__(
        self, books: Catalogue, changed: Callable[[], Awaitable[None]]
    ) -> None:
        #: The book on display; None until the book service has answered.
        self.book: Book | None = None
        self._books = books
        self._changed = changed

    async def change(self) -> None:
        """Show another book, if the library has one."""
        others = [book for book in await self._books.search() if book != self.book]
        if others:
            self.book = random.choice(others)
            await self._changed()
