"""Tests for pytest with pytest-django, and pytest-asyncio in auto mode."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest
from channels.testing import WebsocketCommunicator
from django.test import AsyncClient, override_settings

from django_lifespan_typed import Lifespan
from django_lifespan_typed.testing import OverrideState, override_state
from example_site.library.catalogue import Catalogue
from example_site.library.consumers import LivePage
from example_site.library.lifespan import (
    catalogue,
    change_window,
    daily_catalogue,
    httpx_client,
    reading_room,
    window,
)

from .fakes import EMMA, FAKE_CLIENT


@pytest.fixture
def one_book(override_state: OverrideState) -> httpx.AsyncClient:
    """Override the client before `lifespan`: the book service does not start."""
    return override_state(httpx_client, FAKE_CLIENT)


async def test_the_catalogue_alone() -> None:
    """Open one resource with its dependency, without a lifespan."""
    async with catalogue.open(FAKE_CLIENT) as books:
        assert await books.search() == [EMMA]


@override_state(httpx_client, FAKE_CLIENT)
async def test_decorated(lifespan: Lifespan, async_client: AsyncClient) -> None:
    """The catalogue of the view uses the fake client."""
    answer = await async_client.get("/api/books/")

    assert answer.json() == {"books": [asdict(EMMA)]}


async def test_the_window_shows_another_book(
    one_book: httpx.AsyncClient, lifespan: Lifespan
) -> None:
    """Run the background task once: in a test it does not run by itself."""
    shown = lifespan.state[window]
    assert lifespan.state[change_window].phase == "standby"

    await change_window.run(shown)

    assert shown.book == EMMA


async def test_the_daily_catalogue_has_each_book(tmp_path: Path) -> None:
    """Run the background task alone, without a lifespan and without its lock."""
    file = tmp_path / "catalogue.json"

    with override_settings(CATALOGUE_FILE=file):
        await daily_catalogue.run(Catalogue(FAKE_CLIENT))

    assert json.loads(file.read_text("utf-8")) == {"books": [asdict(EMMA)]}


async def test_a_live_page_reads(
    one_book: httpx.AsyncClient, lifespan: Lifespan
) -> None:
    """A consumer reads the state as views do."""
    page = WebsocketCommunicator(LivePage.as_asgi(), "/live/socket/")
    assert await page.connect() == (True, None)

    await page.send_json_to({"read": 5})
    while not (await page.receive_json_from())["reading"]:
        pass

    ((book, readers),) = lifespan.state[reading_room].reading
    assert (book.title, readers) == ("Emma", 1)

    await page.disconnect()
    assert lifespan.state[reading_room].visitors == 0
