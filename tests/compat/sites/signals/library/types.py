"""What the receivers need of the configuration."""

from typing import Protocol

from library.books import BookClient


class HasBooks(Protocol):
    books: BookClient
