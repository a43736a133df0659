"""The built documentation in a real, headless Chromium, opened from the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.status_page.test_browser import CONTRAST, DESKTOP, FLAGS, PHONE, SCHEMES

# It is built for whichever test of a process comes first.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

STEP: Final = "tutorial/1-one-resource.html"


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """A browser that asks nobody."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = "no Chromium on this machine: apt-get install chromium"
        (pytest.fail if "CI" in os.environ else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Generator[Page]:
    """An empty page; what is asked for over a network fails the test."""
    asked: list[str] = []
    with chromium.new_context() as context:
        opened = context.new_page()
        opened.on("request", lambda request: asked.append(request.url))
        yield opened
    elsewhere = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert asked
    assert elsewhere == []


def pages_of(html: Path) -> list[Path]:
    """What somebody wrote, without the indices that Sphinx adds."""
    made = {"genindex.html", "py-modindex.html", "search.html"}
    return [path for path in sorted(html.rglob("*.html")) if path.name not in made]


def test_every_page_fits_and_is_readable(html: Path, page: Page) -> None:
    """On a desk and on a phone, in the light and in the dark."""
    wrong: list[Any] = []
    for path in pages_of(html):
        page.goto(path.as_uri())
        for scheme, (width, height) in product(SCHEMES, (DESKTOP, PHONE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": height})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append((path.name, "is wider than", width))
            wrong += [
                (path.name, scheme, width, low) for low in page.evaluate(CONTRAST)
            ]

    assert wrong == []


def test_search_works_without_a_server(html: Path, page: Page) -> None:
    """A name leads to its place in the reference."""
    page.goto((html / STEP).as_uri())

    page.get_by_placeholder("Search").fill("lifespan_resource")
    page.get_by_placeholder("Search").press("Enter")

    results = page.locator("#search-results a")
    expect(
        results.filter(has_text="django_lifespan_typed.lifespan_resource").first
    ).to_be_visible()


def test_a_copy_button_leaves_the_prompt_and_the_output(html: Path, page: Page) -> None:
    """What is pasted is what is to be typed."""
    page.goto((html / STEP).as_uri())
    block = page.locator(".highlight-console", has_text="Waiting for application")

    block.first.hover()
    block.first.locator("button.copybtn").click()
    search = page.get_by_placeholder("Search")
    search.focus()
    page.keyboard.press("ControlOrMeta+V")

    expect(search).to_have_value("uvicorn mysite.asgi:application")


def test_the_scheme_can_be_chosen(html: Path, page: Page) -> None:
    """By a button, whatever the system prefers."""
    page.emulate_media(color_scheme="light")
    page.goto((html / STEP).as_uri())
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)

    # As the system has it, then the other, then this one.
    page.locator(".theme-toggle:visible").first.click()

    expect(page.locator("body")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(paper) != before
