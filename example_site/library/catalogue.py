"""The catalogue: books from the book service as Python objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, final

import httpx

#: The most characters of a search, which becomes a part of a URL.
LONGEST_SEARCH: Final = 200


@dataclass(frozen=True)
class Book:
    """A book in the public domain."""

    #: Its number in this library.
    number: int
    title: str
    author: str
    year: int
    #: The first sentence.
    opening: str


@dataclass(frozen=True)
class Author:
    """An author with all of the books in the library."""

    name: str
    books: tuple[Book, ...]


@final
class BookServiceError(Exception):
    """The book service did not answer with books."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"The book service at {self.url} {self.reason}"


@final
class Catalogue:
    """
    The books of the service that *client* connects to.

    Each method raises `BookServiceError` if the service fails.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def search(self, words: str = "") -> list[Book]:
        """Return the books with all *words* in title or author; without words, all."""
        match self._json(await self._get("books", {"q": words[:LONGEST_SEARCH]})):
            case {"books": [*items]}:
                return [self._book(item) for item in items]
            case other:
                raise self._error(f"sent no list of books but {other!r:.200}")

    async def find(self, number: int) -> Book | None:
        """Return the book with that number, or None."""
        response = await self._get(f"books/{number}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        return self._book(self._json(response))

    async def authors(self) -> list[Author]:
        """Return the authors by name, each with their books by year."""
        books = sorted(await self.search(), key=attrgetter("author", "year"))
        return [
            Author(name, tuple(written))
            for name, written in groupby(books, key=attrgetter("author"))
        ]

    async def _get(
        self, path: str, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            return await self._client.get(path, params=params)
        except httpx.TimeoutException as error:
            raise self._error("did not answer in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._error(f"cannot be reached: {error}.") from error

    def _json(self, response: httpx.Response) -> Any:
        if not response.is_success:
            raise self._error(f"answered with the status {response.status_code}.")
        try:
            return response.json()
        except ValueError as error:
            raise self._error("answered with something that is not JSON.") from error

    def _book(self, item: Any) -> Book:
        match item:
            case {
                "number": int(number),
                "title": str(title),
                "author": str(author),
                "year": int(year),
                "opening": str(opening),
            }:
                return Book(number, title, author, year, opening)
            case _:
                raise self._error(f"sent no book but {item!r:.200}")

    def _error(self, reason: str) -> BookServiceError:
        return BookServiceError(str(self._client.base_url), reason)
