"""With pytest, and its plugins pytest-django and pytest-asyncio in auto mode."""

from __future__ import annotations

from dataclasses import asdict

import httpx
import pytest
from channels.testing import WebsocketCommunicator
from django.test import AsyncClient

from django_lifespan_typed import Lifespan
from django_lifespan_typed.testing import OverrideState, override_state
from example_site.library.consumers import LivePage
from example_site.library.lifespan import catalogue, httpx_client, reading_room, window

from .fakes import EMMA, FAKE_CLIENT


@pytest.fixture
def one_book(override_state: OverrideState) -> httpx.AsyncClient:
    """Comes before `lifespan`, so that the book service is not started."""
    return override_state(httpx_client, FAKE_CLIENT)


async def test_the_catalogue_alone() -> None:
    """No lifespan: one resource is opened with what it needs."""
    async with catalogue.open(FAKE_CLIENT) as books:
        assert await books.search() == [EMMA]


@override_state(httpx_client, FAKE_CLIENT)
async def test_decorated(lifespan: Lifespan, async_client: AsyncClient) -> None:
    """A view has the fake, through everything that is made of it."""
    answer = await async_client.get("/api/books/")

    assert answer.json() == {"books": [asdict(EMMA)]}


async def test_the_window_shows_another_book(
    one_book: httpx.AsyncClient, lifespan: Lifespan
) -> None:
    """What its task does in the background, done once."""
    shown = lifespan.state[window]
    shown.book = None

    await shown.change()

    assert shown.book == EMMA


async def test_a_live_page_reads(
    one_book: httpx.AsyncClient, lifespan: Lifespan
) -> None:
    """A consumer uses the state as views do."""
    page = WebsocketCommunicator(LivePage.as_asgi(), "/live/socket/")
    assert await page.connect() == (True, None)

    await page.send_json_to({"read": 5})
    while not (await page.receive_json_from())["reading"]:
        pass

    ((book, readers),) = lifespan.state[reading_room].reading
    assert (book.title, readers) == ("Emma", 1)

    await page.disconnect()
    assert lifespan.state[reading_room].visitors == 0
