"""The library in a real, headless Chromium: live pages, phones, the dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.processes import LIMIT
from tests.servers.servers import reserved_port
from tests.status_page.test_browser import (
    CONTRAST,
    DESKTOP,
    FLAGS,
    PHONE,
    SCHEMES,
    Scheme,
)

from .demo import Demo, running_demo

pytestmark = pytest.mark.browser

# Never waited for in full where all is well; Playwright's own five seconds are few.
expect.set_options(timeout=LIMIT * 1000)


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """A browser that asks nobody but the test's server."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = "no Chromium on this machine: apt-get install chromium"
        (pytest.fail if "CI" in os.environ else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tabs(chromium: Browser, demo: Demo) -> Generator[tuple[Page, Page]]:
    """Two tabs of one visitor; what their scripts complain of fails the test."""
    complaints: list[str] = []
    with chromium.new_context(base_url=demo.url) as context:
        pages = context.new_page(), context.new_page()
        for page in pages:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text))
        yield pages
    assert complaints == []


def test_the_live_page_sees_who_reads(tabs: tuple[Page, Page]) -> None:
    """A book opened in one tab appears in the other, and goes when it is left."""
    live, other = tabs
    live.goto("/live/")
    expect(live.get_by_text("Nobody has a book open.")).to_be_visible()

    other.goto("/books/6/")
    expect(live.locator("[data-reading] li")).to_have_text(
        "1 readingFrankensteinMary Shelley"
    )

    other.goto("/authors/")
    expect(live.locator("[data-reading] li")).to_have_count(0)


def test_a_book_says_how_many_read_it(tabs: tuple[Page, Page]) -> None:
    """To each of them."""
    for page in tabs:
        page.goto("/books/7/")

    for page in tabs:
        expect(page.locator("[data-readers]")).to_have_text(
            "2 people have this book open now."
        )


def test_search_as_you_type(tabs: tuple[Page, Page]) -> None:
    """Each letter asks anew, and what is found can be opened."""
    page, _ = tabs
    page.goto("/live/")
    expect(page.locator("[data-connection]")).to_contain_text("connected")

    page.get_by_label("Words of a title or an author").press_sequentially("sherl")
    expect(page.locator("[data-found] a")).to_have_text(
        ["The Adventures of Sherlock Holmes"]
    )

    page.locator("[data-found] a").click()
    expect(page.locator("h1")).to_have_text("The Adventures of Sherlock Holmes")


def test_the_window_changes_by_itself(chromium: Browser) -> None:
    """A task of the lifespan changes it, and the page follows."""
    with (
        running_demo(WINDOW_SECONDS="0.2") as demo,
        chromium.new_context() as context,
    ):
        page = context.new_page()
        page.goto(f"{demo.url}live/")
        title = page.locator("[data-title]")

        first = title.text_content()
        assert first
        expect(title).not_to_have_text(first)


def test_a_page_connects_again(chromium: Browser) -> None:
    """It says that the library is closed, and goes on when it opens again."""
    port = reserved_port()
    with chromium.new_context() as context:
        page = context.new_page()
        status = page.locator("[data-connection]")
        with running_demo(PORT=port) as demo:
            page.goto(f"{demo.url}live/")
            expect(status).to_have_text("1 page is connected.")
        expect(status).to_have_text(
            "No news: the library is closed, or speaks no websockets."
        )

        with running_demo(PORT=port) as demo:
            assert demo.url
            expect(status).to_have_text("1 page is connected.")


def test_a_book_is_kept_and_forgotten(tabs: tuple[Page, Page]) -> None:
    """With the forms of the pages, which are safe from other sites."""
    page, _ = tabs
    page.goto("/books/12/")

    page.get_by_label("A note").fill("For a <b>windy</b> night")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("For a <b>windy</b> night")).to_be_visible()

    page.get_by_role("button", name="Remove Wuthering Heights").click()
    expect(page.get_by_text("Nothing is on the list yet.")).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "size", [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")]
)
def test_every_page_fits_and_can_be_read(
    chromium: Browser, demo: Demo, scheme: Scheme, size: tuple[int, int]
) -> None:
    """No page is wider than the screen, and no text is too pale (WCAG AA)."""
    width, height = size
    paths = "/", "/?q=nothing", "/books/22/", "/authors/", "/reading-list/", "/live/"
    with chromium.new_context(
        base_url=demo.url,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
    ) as context:
        page = context.new_page()
        for path in paths:
            page.goto(path)

            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(CONTRAST) == [], path
