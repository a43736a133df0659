"""The status page in a real, headless Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from .conftest import PASSWORD, PLAIN, UVICORN, Serve, log_in

pytestmark = pytest.mark.browser

FLAGS: Final = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]

Scheme: TypeAlias = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
DESKTOP: Final = (1280, 800)
PHONE: Final = (360, 740)

# The least contrast that WCAG 2 asks for (AA), of all text on the page.
CONTRAST: Final = (Path(__file__).parent / "contrast.js").read_text()
# Texts that leave their box, boxes that overlap, arrows that cross a box.
DRAWING: Final = (Path(__file__).parent / "drawing.js").read_text()

# Not wait_for_function(), which the page's policy forbids.
UNTIL_SCROLLED: Final = """() => new Promise((done) => {
  const look = () =>
    document.activeElement.scrollLeft > 0 ? done() : requestAnimationFrame(look);
  look();
})"""

schemes = pytest.mark.parametrize("scheme", SCHEMES)


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


Open: TypeAlias = Callable[..., Page]


@pytest.fixture
def page_of(chromium: Browser) -> Generator[Open]:
    """Opens pages for one of the staff; at its end nothing has been wrong with them."""
    wrong: list[str] = []
    requests: list[str] = []

    def opened(
        browser: httpx.Client,
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "light",
        address: str = "/lifespan/",
    ) -> Page:
        log_in(browser, "staff")
        url = str(browser.base_url)
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": size[0], "height": size[1]}
        )
        for name, value in browser.cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{url}{address}")
        # All that a page asks for, it asks for before this.
        page.wait_for_load_state("networkidle")
        assert requests == [f"{url}{address}"]
        return page

    yield opened
    for context in chromium.contexts:
        context.close()
    assert wrong == []


def low_contrasts(page: Page) -> list[Any]:
    """Texts that are hard to read, and how hard."""
    found: list[Any] = page.evaluate(CONTRAST)
    return found


@pytest.mark.parametrize("scene", ["usual", "evil", "many", "alone", "none"])
def test_every_scene_is_readable(serve: Serve, page_of: Open, scene: str) -> None:
    """No page is wider than the screen, all text has contrast, drawings are neat."""
    with serve(SCENE=scene) as browser:
        page = page_of(browser)

        for scheme, (width, height) in product(SCHEMES, (DESKTOP, PHONE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert low_contrasts(page) == []
        assert page.evaluate(DRAWING) == []


@schemes
def test_it_follows_the_scheme(serve: Serve, page_of: Open, scheme: Scheme) -> None:
    """Who prefers dark pages gets one."""
    with serve() as browser:
        page = page_of(browser, scheme=scheme)

        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 27)"}[scheme]


def test_contrast_is_really_measured(serve: Serve, page_of: Open) -> None:
    """The measure that other tests trust finds what is hard to read."""
    with serve() as browser:
        page = page_of(browser)
        page.evaluate("document.querySelector('h1').style.color = '#999'")
        page.evaluate("document.querySelector('svg text').style.fill = '#ddd'")

        found = low_contrasts(page)

    assert [text for text, _ in found] == ["Lifespan", "0"]


def test_drawings_are_really_measured(serve: Serve, page_of: Open) -> None:
    """The measure that other tests trust finds what leaves its box, and crossings."""
    with serve() as browser:
        page = page_of(browser)
        page.evaluate(
            "document.querySelector('#graph ~ .box rect').setAttribute('width', 20)"
        )
        page.evaluate(
            "document.querySelector('.edge').setAttribute('d', 'M0 0L900 340')"
        )

        found = page.evaluate(DRAWING)

    assert any("leaves its box" in complaint for complaint in found), found
    assert any("crosses" in complaint for complaint in found), found


def test_wide_things_scroll_in_their_own_box(serve: Serve, page_of: Open) -> None:
    """On a phone, table and drawings scroll by themselves, with the keyboard too."""
    with serve() as browser:
        page = page_of(browser, PHONE)

        for name in ("Resources", "Start", "Needs"):
            box = page.locator(".box").and_(page.get_by_role("region", name=name))
            box.focus()
            page.keyboard.press("End")
            page.keyboard.press("ArrowRight")
            page.evaluate(UNTIL_SCROLLED)
        name = page.get_by_role("rowheader", name="database")
        box = name.bounding_box()

    # The column of names stays.
    assert box is not None
    assert 0 <= box["x"] < 40


def test_it_is_told_to_those_who_do_not_see_it(serve: Serve, page_of: Open) -> None:
    """Drawings have a name and a description, and headings and the table a role."""
    with serve() as browser:
        page = page_of(browser)

        headings = page.get_by_role("heading").all_inner_texts()
        graph = page.get_by_role("img", name="Who needs whom")
        start = page.get_by_role("img", name="Waterfall of the start")
        assert graph.count() == start.count() == 1
        columns = page.get_by_role("columnheader").all_inner_texts()
        rows = page.get_by_role("rowheader").count()
        described = graph.locator("desc").text_content()

    assert headings == ["Lifespan", "Resources", "Start", "Needs"]
    assert columns == [
        *("Name", "Phase", "Health", "Start took", "Age", "Needs", "Declared at"),
    ]
    assert rows == 11
    assert "search needs catalogue, recommendation_model, httpx_client." in (
        described or ""
    )


def test_hostile_names_do_nothing(serve: Serve, page_of: Open) -> None:
    """A script in a name is text on the screen, and no more."""
    with serve(SCENE="evil") as browser:
        page = page_of(browser)

        names = page.get_by_role("rowheader").all_inner_texts()
        images = page.locator("main img").count()

    assert names[0] == "<script>document.title='owned'</script>"
    assert names[1] == '"><img src=x onerror=alert(1)>'
    assert names[2] == "{{ 7|add:7 }}"
    assert images == 0


def test_where_nothing_runs(serve: Serve, page_of: Open) -> None:
    """Without a lifespan the page says so, readable like the others."""
    with serve(PLAIN) as browser:
        page = page_of(browser, PHONE, "dark")

        text = page.locator("main").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert low_contrasts(page) == []

    assert text.startswith("No lifespan runs in this process.")


def test_staff_come_from_the_admin(serve: Serve, chromium: Browser) -> None:
    """Somebody logs in to the admin, and clicks through to the page and back."""
    with serve(UVICORN) as browser:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{browser.base_url}/lifespan/")
        page.get_by_label("Benutzername").fill("staff")
        page.get_by_label("Passwort").fill(PASSWORD)
        page.get_by_role("button", name="Anmelden").click()
        page.get_by_role("heading", name="Lifespan", exact=True).wait_for()
        page.get_by_role("link", name="Administration").click()
        page.get_by_role("link", name="Status", exact=True).click()
        page.get_by_role("heading", name="Needs").wait_for()

        path = httpx.URL(page.url).path
        context.close()

    assert path == "/lifespan/"
