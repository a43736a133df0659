"""Keys, for code that uses a value without importing its resource."""

from __future__ import annotations

from dataclasses import dataclass

from django_lifespan_typed import StateKey


@dataclass(frozen=True)
class BookService:
    """The book service that the site uses."""

    url: str
    #: True if this site started it; False for a remote service.
    is_ours: bool

    @property
    def advice(self) -> str:
        """How to fix a service that does not answer."""
        if self.is_ours:
            return (
                "This site started the book service, which has ended. "
                "Stop the site with Ctrl-C, and run make demo again."
            )
        return (
            "BOOK_SERVICE_URL names this book service. Check that it is running and "
            "that the URL is right, or unset the variable: then the site starts a "
            "book service of its own."
        )


BOOK_SERVICE = StateKey[BookService]("book_service")
