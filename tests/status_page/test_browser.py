"""The status page in a headless Chromium."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, TypeAlias

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser import PHONE, running_chromium, unreadable

from .conftest import Serve, log_in

pytestmark = pytest.mark.browser

DRAWING: Final = Path(__file__).with_name("drawing.js").read_text("utf-8")

# The page's policy forbids Playwright's wait_for_function().
UNTIL_SCROLLED: Final = """() => new Promise((done) => {
  const look = () =>
    document.activeElement.scrollLeft > 0 ? done() : requestAnimationFrame(look);
  look();
})"""

Open: TypeAlias = Callable[[httpx.Client], Page]


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(chromium: Browser) -> Generator[Open]:
    """Opens the page as staff; fails if it has errors or loads anything else."""
    problems: list[str] = []
    requests: list[str] = []

    def opened(browser: httpx.Client) -> Page:
        log_in(browser, "staff")
        url = str(browser.base_url)
        context = chromium.new_context()
        for name, value in browser.cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{url}/lifespan/")
        page.wait_for_load_state("networkidle")
        assert requests == [f"{url}/lifespan/"]
        return page

    yield opened
    for context in chromium.contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("scene", ["usual", "evil", "many", "none"])
def test_the_page_is_readable(serve: Serve, open_page: Open, scene: str) -> None:
    with serve(SCENE=scene) as browser:
        page = open_page(browser)

        assert unreadable(page) == []
        assert page.evaluate(DRAWING) == []


def test_wide_content_scrolls_in_its_own_box(serve: Serve, open_page: Open) -> None:
    """On a phone, with the keyboard too."""
    with serve() as browser:
        page = open_page(browser)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

        for name in ("Resources", "Startup", "Dependencies"):
            box = page.locator(".box").and_(page.get_by_role("region", name=name))
            box.focus()
            page.keyboard.press("End")
            page.keyboard.press("ArrowRight")
            page.evaluate(UNTIL_SCROLLED)
        name_cell = page.get_by_role("rowheader", name="database").bounding_box()

    # The column of names does not scroll away.
    assert name_cell is not None
    assert 0 <= name_cell["x"] < 40


def test_the_page_is_accessible_without_seeing_it(
    serve: Serve, open_page: Open
) -> None:
    with serve() as browser:
        page = open_page(browser)

        headings = page.get_by_role("heading").all_inner_texts()
        rows = page.get_by_role("rowheader").count()
        waterfall = page.get_by_role("img", name="Waterfall of the startup").count()
        graph = page.get_by_role("img", name="Dependency graph")
        description = graph.locator("desc").text_content() or ""

    assert headings == ["Lifespan status", "Resources", "Startup", "Dependencies"]
    assert (rows, waterfall) == (11, 1)
    assert "search depends on catalogue, recommendation_model" in description
