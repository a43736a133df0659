"""The built documentation: complete, readable, and independent of other machines."""

from __future__ import annotations

import re
from collections.abc import Generator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import running_chromium, unreadable

# The first test of a process builds the documentation.
pytestmark = pytest.mark.timeout(300)


class Links(HTMLParser):
    """The links of a page, and the anchors to which others may link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.anchors.update(given[name] for name in ("id", "name") if name in given)


def test_each_internal_link_leads_to_a_page_and_an_anchor(html: Path) -> None:
    built = {
        path.resolve(): Links(path.read_text("utf-8")) for path in html.rglob("*.html")
    }
    broken = []
    for path, page in built.items():
        for link in page.links:
            if re.match(r"([a-z]+:|//)", link):
                continue
            target, _, anchor = link.partition("#")
            to = (path.parent / target).resolve() if target else path
            if not to.exists() or (
                to in built and anchor and anchor not in built[to].anchors
            ):
                broken.append((path.name, link))

    assert len(built) > 20
    assert broken == []


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
