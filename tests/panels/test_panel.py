"""What the panel shows of real requests under real servers."""

from __future__ import annotations

import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import django
import pytest

from tests.processes import Gates

from .site import SERVERS, Site, place_of, serving, tables_of

PROJECT = "tests.panels.project.lifespan"
SHELF, LAMP = f"{PROJECT}.Shelf", f"{PROJECT}.Lamp"

places = pytest.mark.parametrize(
    "place", [None, "before", "after"], ids=["without", "before", "after"]
)
servers = pytest.mark.parametrize("server", SERVERS)


@pytest.fixture(scope="module", params=SERVERS)
def site(request: pytest.FixtureRequest) -> Generator[Site, None, None]:
    """The project, with our middleware within the toolbar's."""
    with serving(request.param, "after") as site:
        yield site


def test_the_toolbar_is_the_one_that_the_panel_was_made_for() -> None:
    """The panel builds on how these versions treat panels; a newer one has to be read
    (Panel, DebugToolbarMiddleware, render_panel), and looked at, before 8 is 9 here."""
    expected = "8" if django.VERSION >= (5, 2) else "6"

    assert version("django-debug-toolbar").partition(".")[0] == expected


@servers
@places
def test_shows_what_was_fetched_how_often_and_from_where(
    server: str, place: str | None
) -> None:
    """In sync and async views, wherever our middleware stands, if anywhere."""
    with serving(server, place) as site:
        for kind in ("async", "sync"):
            fetched = site.fetched(site.get(f"/{kind}"))

            assert fetched == [
                ["shelf", SHELF, "1", place_of(f"{kind} once")],
                ["lamp", LAMP, "2", place_of(f"{kind} twice")],
                ["nowhere", "missing", "1", place_of(f"{kind} missing")],
            ]


@servers
@pytest.mark.parametrize("place", ["before", "after"])
def test_shows_what_was_fetched_from_request_state(server: str, place: str) -> None:
    """By key and by name, and every value that is handed out in other ways."""
    with serving(server, place) as site:
        fetched = site.fetched(site.get("/state"))

    marked = [
        '<script>alert("name")</script>',
        f"{PROJECT}.<b>Marked</b>",
        "1",
        place_of("state items"),
    ]
    assert fetched[:3] == [
        ["shelf", SHELF, "1", place_of("state by key")],
        ["lamp", LAMP, "1", place_of("state by name")],
        ["nowhere", "missing", "1", place_of("state get")],
    ]
    # In the order in which they happened to start.
    assert sorted(fetched[3:]) == sorted(
        [
            ["shelf", SHELF, "1", place_of("state items")],
            ["lamp", LAMP, "1", place_of("state items")],
            ["lamp", LAMP, "1", place_of("state pop")],
            marked,
        ]
    )


def test_says_so_where_only_the_lifespan_has_it(site: Site) -> None:
    """``get_state`` finds there what is not in the request's state."""
    fetched = site.fetched(site.get("/taken"))

    says = f"missing in this request's state; get_state() gives the lifespan's: {SHELF}"
    assert fetched == [["shelf", says, "1", place_of("taken")]]


def test_shows_the_lifespan(site: Site) -> None:
    """Each resource: its phase, its times, its needs, where it is declared."""
    content = site.panel(site.get("/nothing"))

    (resources,) = tables_of(content)
    rows = {row[0]: row[1:] for row in resources[1:]}
    assert resources[0] == [
        *("Resource", "Phase", "Started in", "Running for", "Needs", "Declared at")
    ]
    assert {name: (row[0], row[3]) for name, row in rows.items()} == {
        "shelf": ("running", "–"),
        "lamp": ("running", "shelf"),
        '<script>alert("name")</script>': ("running", "shelf, lamp"),
        "broken (optional)": ("failed: ConnectionError", "–"),
    }
    for name, (_, started, age, _, declared) in rows.items():
        assert re.fullmatch(r"\d+\.\d{3} s|–", started), name
        assert re.fullmatch(r"–" if "broken" in name else r"\d+ s", age), name
        assert re.fullmatch(r"tests/panels/project/lifespan\.py:\d+", declared), name
    assert "<p>Nothing.</p>" in content


def test_shows_no_value_and_escapes_names(site: Site) -> None:
    """Values and messages of errors may hold secrets; names come from code."""
    content = site.panel(site.get("/marked"))

    assert "&lt;script&gt;alert(&quot;name&quot;)&lt;/script&gt;" in content
    assert "&lt;b&gt;Marked&lt;/b&gt;" in content
    assert [tag for tag in ("<script", "<b>") if tag in content] == []
    assert "secret" not in content
    assert "a value was shown" not in site.process.events


def test_shows_a_summary_in_the_page_and_in_the_history(site: Site) -> None:
    """The button of the panel, also for requests that the toolbar fetches later."""
    page = site.get("/async")
    request_id = page.headers["djdt-request-id"]
    history = site.get(f"/__debug__/history_sidebar/?request_id={request_id}")

    assert "<small>2 fetched, 1 missing</small>" in page.text
    button = history.json()["LifespanPanel"]["button"]
    assert "<small>2 fetched, 1 missing</small>" in button


@pytest.mark.parametrize("kind", ["sync", "async"])
@servers
def test_shows_what_a_streamed_response_fetched(server: str, kind: str) -> None:
    """Until its end, although the toolbar is rendered before its beginning."""
    with serving(server, "after") as site:
        response = site.get(f"/stream/{kind}")
        site.process.until_event("finished")
        fetched = site.fetched(response)

    assert response.text == "ab"
    assert fetched == [
        ["lamp", LAMP, "1", place_of(f"{kind} before")],
        ["shelf", SHELF, "1", place_of(f"{kind} stream")],
    ]


@servers
def test_each_of_two_requests_at_once_shows_its_own(server: str) -> None:
    """The one fetches while the other does."""
    with (
        Gates("shelf", "lamp") as gates,
        serving(server, **gates.variables) as site,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = {
            name: pool.submit(site.get, f"/held/{name}") for name in ("shelf", "lamp")
        }
        for name in answers:
            gates.wait_for(name)
        for name in answers:
            gates.open(name)
        fetched = {
            name: site.fetched(answer.result()) for name, answer in answers.items()
        }

    assert fetched == {
        name: [[name, kind, "1", place_of(line)] for line in ("held", "released")]
        for name, kind in (("shelf", SHELF), ("lamp", LAMP))
    }


@pytest.mark.parametrize(
    ("url", "cookies"),
    [("/own?off", {}), ("/own", {"djdtLifespanPanel": "off"})],
    ids=["toolbar", "panel"],
)
def test_does_not_touch_a_request_that_it_does_not_show(
    site: Site, url: str, cookies: dict[str, str]
) -> None:
    """With the toolbar or the panel off, the state is the server's own dict."""
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    answer = site.browser.get(url, headers={"Cookie": header}).json()

    assert answer == {
        "has_scope": not site.is_wsgi,
        "is_own": not site.is_wsgi,
        "has_state": True,
    }


@pytest.mark.parametrize("server", ["uvicorn", "uvicorn, sync middleware"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_gives_the_server_its_own_state_back(server: str, place: str) -> None:
    """With all that was written to it."""
    with serving(server, place) as site:
        answer = site.get("/own").json()

        assert answer["is_own"] is False
        site.process.until_event("True, left by the view")


@servers
def test_makes_no_request_state_where_there_is_none(server: str) -> None:
    """What works with the toolbar works without it."""
    with serving(server) as site:
        answers: list[Any] = [site.get(url).json() for url in ("/own", "/own?off")]

    assert [answer["has_state"] for answer in answers] == [False, False]


@servers
def test_shows_the_lifespan_where_another_panel_answers(server: str) -> None:
    """It has seen nothing of the request, and says all else."""
    with serving(server) as site:
        (resources,) = tables_of(site.panel(site.get("/answered")))

    assert resources[0][0] == "Resource"
    assert "shelf" in [row[0] for row in resources[1:]]


def test_says_so_where_no_lifespan_runs() -> None:
    """Django's own WSGI application, for example."""
    with serving("runserver", WSGI="tests.panels.project.plain.application") as site:
        content = site.panel(site.get("/nothing"))

    assert "<pre>No lifespan runs here.</pre>" in content
