"""The catalogue, at a book service that a test makes up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from example_site.library.catalogue import Book, BookServiceError, Catalogue

EMMA = {
    "number": 5,
    "title": "Emma",
    "author": "Jane Austen",
    "year": 1815,
    "opening": "Emma Woodhouse …",
}


@asynccontextmanager
async def catalogue_of(
    answer: Callable[[httpx.Request], httpx.Response],
) -> AsyncGenerator[Catalogue]:
    """A catalogue whose service answers as *answer* says."""
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(
        base_url="http://books", transport=transport
    ) as client:
        yield Catalogue(client)


async def test_find_gives_a_book() -> None:
    """Out of the JSON of the service, by the book's number."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://books/books/5"
        return httpx.Response(200, json=EMMA)

    async with catalogue_of(answer) as books:
        found = await books.find(5)

    assert found == Book(5, "Emma", "Jane Austen", 1815, "Emma Woodhouse …")


async def test_find_gives_none_for_a_book_that_is_not_there() -> None:
    """Not an error: it is an answer."""
    async with catalogue_of(lambda _: httpx.Response(404)) as books:
        assert await books.find(1) is None


async def test_search_sends_the_words_as_they_are() -> None:
    """Escaped once, by the client."""
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.params.get("q"))
        return httpx.Response(200, json={"books": [EMMA]})

    async with catalogue_of(answer) as books:
        await books.search("é & ü")

    assert sent == ["é & ü"]


async def test_authors_have_their_books_in_order() -> None:
    """Authors by name, books by year."""
    persuasion = {**EMMA, "number": 6, "title": "Persuasion", "year": 1817}
    walden = {**EMMA, "number": 15, "title": "Walden", "author": "A. Thoreau"}
    answer = httpx.Response(200, json={"books": [persuasion, walden, EMMA]})

    async with catalogue_of(lambda _: answer) as books:
        authors = await books.authors()

    assert [(a.name, [b.number for b in a.books]) for a in authors] == [
        ("A. Thoreau", [15]),
        ("Jane Austen", [5, 6]),
    ]


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("", request=request)


def breaks_off(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("Server disconnected", request=request)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(times_out, "did not answer in time.", id="timeout"),
        pytest.param(
            breaks_off, "cannot be reached: Server disconnected.", id="broken off"
        ),
        pytest.param(
            lambda _: httpx.Response(503), "answered with the status 503.", id="status"
        ),
        pytest.param(
            lambda _: httpx.Response(200, text="<html>"),
            "answered with something that is not JSON.",
            id="not JSON",
        ),
        pytest.param(
            lambda _: httpx.Response(200, json=[EMMA]),
            f"sent no list of books but {[EMMA]!r}",
            id="no list",
        ),
        pytest.param(
            lambda _: httpx.Response(200, json={"books": [{"number": "5"}]}),
            "sent no book but {'number': '5'}",
            id="no book",
        ),
    ],
)
async def test_a_service_that_fails_is_one_kind_of_error(
    answer: Callable[[httpx.Request], httpx.Response], reason: str
) -> None:
    """Whatever went wrong, the message names the service and says what it did."""
    async with catalogue_of(answer) as books:
        with pytest.raises(BookServiceError) as raised:
            await books.search()

    assert str(raised.value) == f"The book service at http://books {reason}"
