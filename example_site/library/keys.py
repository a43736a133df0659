"""Keys apart from their resources: for those who read a value, not make it."""

from __future__ import annotations

from dataclasses import dataclass

from django_lifespan_typed import StateKey


@dataclass(frozen=True)
class BookService:
    """Where the books come from."""

    url: str
    #: Whether this site started it, and ends it; False for a remote one.
    is_ours: bool

    @property
    def advice(self) -> str:
        """What to do when it does not answer."""
        if self.is_ours:
            return (
                "This site started the book service itself, and it has gone. "
                "Stop the site with Ctrl-C, and run make demo again."
            )
        return (
            "BOOK_SERVICE_URL names this book service. See that it runs and that "
            "the URL is right, or leave the variable out: the site then starts a "
            "book service of its own."
        )


BOOK_SERVICE = StateKey[BookService]("book_service")
