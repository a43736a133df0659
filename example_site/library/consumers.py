"""The websocket consumer of live pages, with the same resources as views."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from django_lifespan_typed import get_state

from .catalogue import BookServiceError
from .lifespan import catalogue, reading_room, window
from .live import PAGES, notify_pages


class LivePage(AsyncJsonWebsocketConsumer):
    """
    One open page.

    It sends ``{"read": 6}`` when a book is opened and ``{"search": "words"}`` while
    the visitor types. It receives changes and search results.
    """

    groups = [PAGES]  # noqa: RUF012 - Channels needs a list, and does not change it

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Remove the page at its end; ``disconnect`` is not always called."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            get_state(self, reading_room).leave(self.channel_name)
            await self.channel_layer.group_discard(PAGES, self.channel_name)
            await notify_pages()

    async def connect(self) -> None:
        get_state(self, reading_room).enter(self.channel_name)
        await self.accept()
        await notify_pages()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        try:
            content = json.loads(text_data or "")
        except (ValueError, RecursionError):
            content = None
        await self.receive_json(content)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        try:
            match content:
                case {"read": int(number)}:
                    await self._read(number)
                case {"search": str(words)} if words.isprintable():
                    await self._search(words)
                case _:
                    await self.send_json({"error": "Send read or search."})
        except BookServiceError as error:
            await self.send_json({"error": str(error)})

    async def library_changed(self, event: object) -> None:
        """Send the current values; the event only says that they have changed."""
        room = get_state(self, reading_room)
        shown = get_state(self, window).book
        reading = [
            {"book": asdict(book), "readers": readers} for book, readers in room.reading
        ]
        await self.send_json(
            {
                "window": shown and asdict(shown),
                "visitors": room.visitors,
                "reading": reading,
            }
        )

    async def _read(self, number: int) -> None:
        book = await get_state(self, catalogue).find(number)
        get_state(self, reading_room).enter(self.channel_name, book)
        await notify_pages()

    async def _search(self, words: str) -> None:
        found = await get_state(self, catalogue).search(words)
        await self.send_json(
            {"words": words, "found": [asdict(book) for book in found]}
        )
