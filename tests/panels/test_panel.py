"""The content of the panel."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import django
import pytest

from tests.processes import ROOT, Gates, running

from .site import LAMP, SERVERS, SETTINGS, SHELF, Site, line_of, serving, tables_of

kinds = pytest.mark.parametrize("kind", ["sync", "async"])


def test_the_toolbar_has_the_version_that_the_panel_was_written_for() -> None:
    """Before you change the number, compare how the new version calls panels."""
    expected = "8" if django.VERSION >= (5, 2) else "6"

    assert version("django-debug-toolbar").partition(".")[0] == expected


# --- With Django's test clients


def visit(
    kind: str, *urls: str, middleware_at: str | None = "after"
) -> list[dict[str, Any]]:
    """Return what the panel shows of each request."""
    with running(
        *("-W", "error", "-m", "tests.panels.visits", kind, *urls),
        folder=ROOT,
        DJANGO_SETTINGS_MODULE=SETTINGS,
        MIDDLEWARE_AT=middleware_at,
    ) as process:
        code = process.wait()
    assert code == 0, process.output
    return [json.loads(line) for line in process.lines if line.startswith("{")]


@kinds
@pytest.mark.parametrize("middleware_at", [None, "before", "after"])
def test_lookups_are_shown_with_type_count_and_location(
    kind: str, middleware_at: str | None
) -> None:
    (shown,) = visit(kind, f"/{kind}", middleware_at=middleware_at)

    lookups, _ = tables_of(shown["content"])
    assert lookups[1:] == [
        ["shelf", SHELF, "1", line_of(f"{kind} once")],
        ["lamp", LAMP, "2", line_of(f"{kind} twice")],
        ["nowhere", "missing", "1", line_of(f"{kind} missing")],
    ]
    assert "<small>2 looked up, 1 missing</small>" in shown["button"]
    if kind == "async":
        assert "a page" in shown["body"]


@kinds
@pytest.mark.parametrize("middleware_at", ["before", "after"])
def test_lookups_in_request_state_are_shown(kind: str, middleware_at: str) -> None:
    state, removed = visit(kind, "/state", "/removed", middleware_at=middleware_at)

    assert tables_of(state["content"])[0][1:] == [
        ["shelf", SHELF, "1", line_of("state by key")],
        ["lamp", LAMP, "1", line_of("state by name")],
        ["nowhere", "missing", "1", line_of("state get")],
        ["lamp", LAMP, "1", line_of("state pop")],
    ]
    # get_state() falls back to the lifespan's own state.
    ((name, found, *_),) = tables_of(removed["content"])[0][1:]
    assert name == "shelf"
    assert found.startswith("missing in this request's state")
    assert found.endswith(SHELF)


@kinds
def test_the_lifespan_is_shown_for_every_request(kind: str) -> None:
    """Also if the request looked up nothing, or another panel answered it."""
    for shown in visit(kind, "/nothing", "/answered"):
        (resources,) = tables_of(shown["content"])
        assert "<p>Nothing.</p>" in shown["content"]
        assert "<small>0 looked up</small>" in shown["button"]

        rows = {row[0]: row[1:] for row in resources[1:]}
        assert {name: (row[0], row[3]) for name, row in rows.items()} == {
            "shelf": ("running", "–"),
            "lamp": ("running", "shelf"),
            '<script>alert("name")</script>': ("running", "shelf, lamp"),
            "broken (optional)": ("failed: ConnectionError", "–"),
        }
        for name, (_, startup, uptime, _, location) in rows.items():
            assert re.fullmatch(r"\d+\.\d{3} s|–", startup), name
            assert re.fullmatch(r"–" if "broken" in name else r"\d+ s", uptime), name
            assert re.fullmatch(r"tests/panels/project/lifespan\.py:\d+", location)


def test_values_are_not_shown_and_names_are_escaped() -> None:
    (shown,) = visit("sync", "/marked")

    assert "&lt;script&gt;alert(&quot;name&quot;)&lt;/script&gt;" in shown["content"]
    assert "&lt;b&gt;Marked&lt;/b&gt;" in shown["content"]
    assert "<script" not in shown["content"]
    assert "<b>" not in shown["content"]
    assert "secret" not in shown["content"]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [("none", "No lifespan runs"), ("several", "more than one lifespan")],
)
def test_without_one_lifespan_the_panel_says_so(kind: str, problem: str) -> None:
    (shown,) = visit(kind, "/nothing")

    assert "a page" in shown["body"]
    assert tables_of(shown["content"]) == []
    assert problem in shown["content"]


# --- Under servers


@pytest.fixture(scope="module", params=SERVERS)
def site(request: pytest.FixtureRequest) -> Generator[Site, None, None]:
    with serving(request.param, MIDDLEWARE_AT="after") as site:
        yield site


@kinds
def test_lookups_are_shown_under_a_server(site: Site, kind: str) -> None:
    page = site.get(f"/{kind}")

    assert site.lookups(page) == [
        ["shelf", SHELF, "1", line_of(f"{kind} once")],
        ["lamp", LAMP, "2", line_of(f"{kind} twice")],
        ["nowhere", "missing", "1", line_of(f"{kind} missing")],
    ]
    assert "<small>2 looked up, 1 missing</small>" in page.text


@kinds
def test_lookups_during_a_streamed_response_are_shown(site: Site, kind: str) -> None:
    """The toolbar is rendered before the stream begins."""
    finished = len(site.process.events)
    response = site.get(f"/stream/{kind}")
    site.process.until_event("finished", nth=finished + 1)

    assert response.text == "ab"
    assert site.lookups(response) == [
        ["lamp", LAMP, "1", line_of(f"{kind} before")],
        ["shelf", SHELF, "1", line_of(f"{kind} stream")],
    ]


@pytest.mark.parametrize(
    ("url", "cookie"),
    [("/attributes?off", ""), ("/attributes", "djdtLifespanPanel=off")],
    ids=["toolbar", "panel"],
)
def test_a_request_is_not_changed_if_the_panel_is_off(
    site: Site, url: str, cookie: str
) -> None:
    attributes = site.get(url, Cookie=cookie).json()

    in_scope = "NoneType" if site.server == "runserver" else "dict"
    assert attributes == {"has_state": True, "type_in_scope": in_scope}


def test_the_panel_adds_no_request_state() -> None:
    """Otherwise code would work with the toolbar, and fail without it."""
    with serving("runserver") as site:
        assert site.get("/attributes").json()["has_state"] is False


@pytest.mark.parametrize("server", ["uvicorn", "runserver"])
def test_concurrent_requests_show_their_own_lookups(server: str) -> None:
    names = {"shelf": SHELF, "lamp": LAMP}
    with (
        Gates(*names) as gates,
        serving(server, **gates.variables) as site,
        ThreadPoolExecutor(2) as pool,
    ):
        responses = {name: pool.submit(site.get, f"/held/{name}") for name in names}
        for name in names:
            gates.wait_for(name)
        for name in names:
            gates.open(name)

        for name, type_name in names.items():
            assert site.lookups(responses[name].result()) == [
                [name, type_name, "1", line_of("held")],
                [name, type_name, "1", line_of("released")],
            ]
