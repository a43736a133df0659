"""The library in a headless Chromium: live pages, forms, phones, dark mode."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import running_chromium, unreadable
from tests.processes import LIMIT, reserved_port

from .demo import Demo, running_demo
from .screenshot import PICTURE, take

pytestmark = pytest.mark.browser

# The default of five seconds is too short on a busy machine.
expect.set_options(timeout=LIMIT * 1000)


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def tabs(chromium: Browser, demo: Demo) -> Generator[tuple[Page, Page]]:
    """Two tabs of one visitor; an error of a script fails the test."""
    errors: list[str] = []
    with chromium.new_context(base_url=demo.url) as context:
        pages = context.new_page(), context.new_page()
        for page in pages:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda message: errors.append(message.text))
        yield pages
    assert errors == []


def test_the_live_page_shows_the_readers(tabs: tuple[Page, Page]) -> None:
    live, other = tabs
    live.goto("/live/")
    expect(live.get_by_text("Nobody has a book open.")).to_be_visible()

    other.goto("/books/6/")
    expect(live.locator("[data-reading] li")).to_have_text(
        "1 readingFrankensteinMary Shelley"
    )

    live.goto("/books/6/")
    for page in tabs:
        expect(page.locator("[data-readers]")).to_have_text(
            "2 people have this book open now."
        )


def test_search_finds_books_while_the_visitor_types(tabs: tuple[Page, Page]) -> None:
    page, _ = tabs
    page.goto("/live/")
    expect(page.locator("[data-connection]")).to_contain_text("connected")

    page.get_by_label("Words of a title or an author").press_sequentially("sherl")
    expect(page.locator("[data-found] a")).to_have_text(
        ["The Adventures of Sherlock Holmes"]
    )

    page.locator("[data-found] a").click()
    expect(page.locator("h1")).to_have_text("The Adventures of Sherlock Holmes")


def test_a_page_follows_the_window_and_reconnects(chromium: Browser) -> None:
    variables = {"PORT": reserved_port(), "WINDOW_SECONDS": "0.2"}
    with chromium.new_context() as context:
        page = context.new_page()
        status = page.locator("[data-connection]")
        with running_demo(**variables) as demo:
            page.goto(f"{demo.url}live/")
            expect(status).to_have_text("1 page is connected.")
            title = page.locator("[data-title]")
            first = title.text_content()
            assert first
            expect(title).not_to_have_text(first)
        expect(status).to_have_text(
            "No news: the library is closed, or speaks no websockets."
        )

        with running_demo(**variables) as demo:
            assert demo.url
            expect(status).to_have_text("1 page is connected.")


def test_each_page_is_readable_on_a_desktop_and_a_phone(
    tabs: tuple[Page, Page],
) -> None:
    page, _ = tabs
    found: list[object] = []
    for path in (
        "/",
        "/?q=nothing",
        "/books/22/",
        "/authors/",
        "/reading-list/",
        "/live/",
        "/source/httpx_client/",
    ):
        page.goto(path)
        found += unreadable(page)

    assert found == []


def test_the_picture_of_the_readme_is_small_and_can_be_taken_again(
    chromium: Browser, tmp_path: Path
) -> None:
    taken = tmp_path / PICTURE.name

    take(chromium, taken)

    for picture in (taken, PICTURE):
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 200_000
