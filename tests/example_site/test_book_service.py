"""The book service as a child process."""

from __future__ import annotations

import shutil
import sys

import httpx
import pytest

from example_site.book_service.process import running_book_service
from example_site.book_service.shelf import SHELF, search


async def test_it_answers_at_its_url_until_the_block_ends() -> None:
    """From the first moment of the block, and never after it."""
    async with httpx.AsyncClient(trust_env=False) as client:
        async with running_book_service() as url:
            answer = await client.get(f"{url}/books/6")

        with pytest.raises(httpx.TransportError):
            await client.get(f"{url}/books/6")

    assert answer.json()["title"] == "Frankenstein"


async def test_a_service_that_ends_before_it_serves_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its exit code, and how to see its reason."""
    false = shutil.which("false")
    assert false is not None
    monkeypatch.setattr(sys, "executable", false)

    with pytest.raises(ChildProcessError) as raised:
        async with running_book_service():
            pass

    assert str(raised.value) == (
        "The book service ended with exit code 1 before it served. "
        "Its reason is printed above; to see it alone, run\n"
        "    python -m example_site.book_service"
    )


def test_every_book_has_a_number_of_its_own() -> None:
    """No book hides another on the shelf."""
    assert len(SHELF) == len(search(""))


def test_words_are_found_as_people_type_them() -> None:
    """Without capitals, and with the apostrophe that a keyboard has."""
    assert [book.number for book in search("gulliver's SWIFT")] == [2]
