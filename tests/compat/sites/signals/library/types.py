"""The part of the configuration that the receivers use."""

from typing import Protocol

from library.books import BookClient


class HasBooks(Protocol):
    books: BookClient
