"""The window: one book on display, changed in the background."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import final

from anyio import sleep

from .catalogue import Book, BookServiceError, Catalogue

logger = logging.getLogger(__name__)


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

    async def keep_changing(self, seconds: float) -> None:
        """Show another book every few *seconds*, until cancelled."""
        while True:
            try:
                await self.change()
            except BookServiceError as error:
                # The next attempt may succeed.
                logger.warning("the window keeps its book: %s", error)
            await sleep(seconds)

    async def change(self) -> None:
        """Show another book, if the library has one."""
        others = [book for book in await self._books.search() if book != self.book]
        if others:
            self.book = random.choice(others)
            await self._changed()
