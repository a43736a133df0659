"""Failures of the book service, and of its process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

import httpx
import pytest

from example_site.book_service.process import running_book_service
from example_site.book_service.shelf import search
from example_site.library.catalogue import BookServiceError, Catalogue


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
            lambda _: httpx.Response(200, json=["Emma"]),
            "sent no list of books but ['Emma']",
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
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://books", transport=transport) as http:
        with pytest.raises(BookServiceError) as raised:
            await Catalogue(http).search()

    assert str(raised.value) == f"The book service at http://books {reason}"


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
