"""The catalogue with a fake book service, and the real service as a process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from example_site.book_service.process import running_book_service
from example_site.book_service.shelf import search
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
    """A catalogue whose service is the function *answer*."""
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(
        base_url="http://books", transport=transport
    ) as client:
        yield Catalogue(client)


async def test_find_returns_a_book_or_none() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url == "http://books/books/5":
            return httpx.Response(200, json=EMMA)
        return httpx.Response(404)

    async with catalogue_of(answer) as books:
        assert await books.find(5) == Book(
            5, "Emma", "Jane Austen", 1815, "Emma Woodhouse …"
        )
        assert await books.find(1) is None


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("", request=request)


def disconnects(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("Server disconnected", request=request)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (times_out, "did not answer in time."),
        (disconnects, "cannot be reached: Server disconnected."),
        (lambda _: httpx.Response(503), "answered with the status 503."),
        (
            lambda _: httpx.Response(200, text="<html>"),
            "answered with something that is not JSON.",
        ),
        (
            lambda _: httpx.Response(200, json=[EMMA]),
            f"sent no list of books but {[EMMA]!r}",
        ),
        (
            lambda _: httpx.Response(200, json={"books": [{"number": "5"}]}),
            "sent no book but {'number': '5'}",
        ),
    ],
)
async def test_each_failure_of_the_service_is_one_kind_of_error(
    answer: Callable[[httpx.Request], httpx.Response], reason: str
) -> None:
    async with catalogue_of(answer) as books:
        with pytest.raises(BookServiceError) as raised:
            await books.search()

    assert str(raised.value) == f"The book service at http://books {reason}"


# --- The real book service


async def test_the_service_answers_until_its_block_ends() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with running_book_service() as url:
            answer = await client.get(f"{url}/books/6")

        with pytest.raises(httpx.TransportError):
            await client.get(f"{url}/books/6")

    assert answer.json()["title"] == "Frankenstein"


async def test_a_service_that_ends_at_once_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    false = shutil.which("false")
    assert false is not None
    monkeypatch.setattr(sys, "executable", false)

    with pytest.raises(ChildProcessError, match="exit code 1"):
        async with running_book_service():
            pass


def test_search_ignores_case_and_the_kind_of_apostrophe() -> None:
    assert [book.number for book in search("gulliver's SWIFT")] == [2]
