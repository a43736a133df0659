"""The built documentation: readable, and independent of other machines."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import running_chromium, unreadable

# The first test of a process builds the documentation.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def page() -> Generator[Page]:
    """An empty page; a request to another machine fails the test."""
    asked: list[str] = []
    with running_chromium() as chromium, chromium.new_context() as context:
        opened = context.new_page()
        opened.on("request", lambda request: asked.append(request.url))
        yield opened
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
def test_each_page_is_readable_on_a_desktop_and_a_phone(html: Path, page: Page) -> None:
    generated = {"genindex.html", "py-modindex.html", "search.html"}
    found: list[object] = []
    for path in sorted(html.rglob("*.html")):
        if path.name not in generated:
            page.goto(path.as_uri())
            found += unreadable(page)

    assert found == []


@pytest.mark.browser
def test_search_finds_a_name_without_a_server(html: Path, page: Page) -> None:
    page.goto((html / "index.html").as_uri())

    page.get_by_placeholder("Search").fill("lifespan_resource")
    page.get_by_placeholder("Search").press("Enter")

    results = page.locator("#search-results a")
    found = results.filter(has_text="django_lifespan_typed.lifespan_resource")
    expect(found.first).to_be_visible()
