"""The built documentation: whole, and on its own."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

# It is built for whichever test of a process comes first.
pytestmark = pytest.mark.timeout(300)

# Where a tag names what a browser loads by itself.
LOADED: Final = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
EXTERNAL: Final = re.compile(r"^\s*(?:[a-z]+:)?//", re.IGNORECASE)
IN_CSS: Final = re.compile(
    r"(?:url\(\s*|@import\s+)['\"]?\s*((?:https?:)?//[^'\")\s]+)"
)


class Page(HTMLParser):
    """What a page loads, links to, and has for others to link to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.loads += [given[name] for name in LOADED.get(tag, ()) if name in given]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.anchors.update(given[name] for name in ("id", "name") if name in given)


@pytest.fixture(scope="module")
def built(html: Path) -> dict[Path, Page]:
    """Every page that was built."""
    return {
        path.resolve(): Page(path.read_text("utf-8")) for path in html.rglob("*.html")
    }


def test_it_loads_nothing_from_elsewhere(html: Path, built: dict[Path, Page]) -> None:
    """No script, style, font or picture: it works without a network."""
    from_pages = [
        (path.name, url)
        for path, page in built.items()
        for url in page.loads
        if EXTERNAL.match(url)
    ]
    from_styles = [
        (path.name, url)
        for path in html.rglob("*.css")
        for url in IN_CSS.findall(path.read_text("utf-8"))
    ]

    assert len(built) > 20
    assert from_pages == []
    assert from_styles == []


def test_every_link_within_it_leads_somewhere(built: dict[Path, Page]) -> None:
    """To a page that is there, and to a place on it."""
    broken = []
    for path, page in built.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link) or EXTERNAL.match(link):
                continue
            target, _, anchor = link.partition("#")
            to = (path.parent / target).resolve() if target else path
            if not to.exists() or (
                to in built and anchor and anchor not in built[to].anchors
            ):
                broken.append((path.name, link))

    assert broken == []


def test_it_has_a_favicon_search_and_copy_buttons(html: Path) -> None:
    """On every page that is one."""
    page = (html / "tutorial" / "1-one-resource.html").read_text("utf-8")

    assert 'href="../_static/favicon.svg"' in page
    assert (html / "_static" / "favicon.svg").is_file()
    assert 'action="../search.html"' in page
    assert (html / "searchindex.js").stat().st_size > 10_000
    assert "_static/copybutton.js" in page
    assert 'class="theme-toggle"' in page
