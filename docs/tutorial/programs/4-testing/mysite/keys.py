from typing import Protocol

from django_lifespan_typed import StateKey


class GuestBook(Protocol):
    def sign(self, name: str) -> int:
        """Add a visitor; returns which one it is."""
        ...


GUEST_BOOK = StateKey[GuestBook]("guest_book")
