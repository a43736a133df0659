"""The content of the panel."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import django
import pytest
from typing_extensions import override

from tests.processes import ROOT, running

SETTINGS: Final = "tests.panels.project.settings"
SHELF: Final = "tests.panels.project.lifespan.Shelf"
LAMP: Final = "tests.panels.project.lifespan.Lamp"
VIEWS: Final = Path(__file__).parent / "project" / "views.py"

URLS: Final = (
    *("/sync", "/async", "/stream/sync", "/stream/async"),
    *("/nothing", "/answered", "/marked", "/attributes", "/attributes?off"),
)
STATE_URLS: Final = ("/state", "/removed")
CONCURRENT_URLS: Final = ("/concurrent/shelf", "/concurrent/lamp")

KINDS: Final = ("wsgi", "asgi", "asgi, sync middleware")
# A kind, and the place of our middleware: before the toolbar, after it, or nowhere.
SETUPS: Final = (
    *((kind, "after") for kind in KINDS),
    *((kind, place) for kind in KINDS[:2] for place in ("before", None)),
)

kinds = pytest.mark.parametrize("kind", KINDS)
views = pytest.mark.parametrize("view", ["sync", "async"])


def visit(kind: str, middleware_at: str | None = "after") -> dict[str, dict[str, Any]]:
    """Return what the panel shows of a request to each URL."""
    urls = URLS if middleware_at is None else (*URLS, *STATE_URLS)
    return visit_urls(
        kind, *urls, *(CONCURRENT_URLS if kind == "asgi" else ()), at=middleware_at
    )


@cache
def visit_urls(
    kind: str, *urls: str, at: str | None, task: str | None = None
) -> dict[str, dict[str, Any]]:
    kind, _, sync = kind.partition(", ")
    with running(
        *("-W", "error", "-W", "ignore:StreamingHttpResponse must consume"),
        *("-m", "tests.panels.visits", kind, *urls),
        folder=ROOT,
        DJANGO_SETTINGS_MODULE=SETTINGS,
        MIDDLEWARE_AT=at,
        SYNC=sync or None,
        TASK=task,
    ) as process:
        code = process.wait()
    assert code == 0, process.output
    shown: dict[str, dict[str, Any]] = json.loads(process.lines[-1])
    return shown


class Tables(HTMLParser):
    """The text of each cell of each row of each table."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._is_in_cell = False
        self.feed(content)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        self._is_in_cell = tag in {"td", "th"} or (self._is_in_cell and tag != "p")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._is_in_cell = self._is_in_cell and tag not in {"td", "th"}

    @override
    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            self.tables[-1][-1][-1] += data


def tables_of(shown: dict[str, Any]) -> list[list[list[str]]]:
    return Tables(shown["content"]).tables


def lookups_of(shown: dict[str, Any]) -> list[list[str]]:
    """The rows of the first table: name, type, count, location."""
    first, *_ = tables_of(shown)
    assert first[0] == ["Name", "Type", "Times", "Location"]
    return first[1:]


def line_of(comment: str) -> str:
    """The location of the line of the views that ends in *comment*."""
    lines = VIEWS.read_text("utf-8").splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if line.endswith(f"# {comment}"))
    return f"{VIEWS.relative_to(ROOT)}:{number}"


def test_the_toolbar_has_the_version_that_the_panel_was_written_for() -> None:
    """Before you change the number, compare how the new version calls panels."""
    expected = "8" if django.VERSION >= (5, 2) else "6"

    assert version("django-debug-toolbar").partition(".")[0] == expected


@views
@pytest.mark.parametrize(("kind", "middleware_at"), SETUPS)
def test_lookups_are_shown_with_type_count_and_location(
    kind: str, view: str, middleware_at: str | None
) -> None:
    shown = visit(kind, middleware_at)[f"/{view}"]

    assert lookups_of(shown) == [
        ["shelf", SHELF, "1", line_of(f"{view} once")],
        ["lamp", LAMP, "2", line_of(f"{view} twice")],
        ["nowhere", "missing", "1", line_of(f"{view} missing")],
    ]
    assert "<small>2 looked up, 1 missing</small>" in shown["button"]


@kinds
@views
def test_lookups_during_a_streamed_response_are_shown(kind: str, view: str) -> None:
    """The toolbar is rendered before the stream begins."""
    shown = visit(kind)[f"/stream/{view}"]

    assert shown["body"] == "ab"
    assert lookups_of(shown) == [
        ["lamp", LAMP, "1", line_of(f"{view} before")],
        ["shelf", SHELF, "1", line_of(f"{view} stream")],
    ]


@pytest.mark.parametrize(
    ("kind", "middleware_at"), [setup for setup in SETUPS if setup[1]]
)
def test_lookups_in_request_state_are_shown(kind: str, middleware_at: str) -> None:
    shown = visit(kind, middleware_at)

    assert lookups_of(shown["/state"]) == [
        ["shelf", SHELF, "1", line_of("state by key")],
        ["lamp", LAMP, "1", line_of("state by name")],
        ["nowhere", "missing", "1", line_of("state get")],
        ["lamp", LAMP, "1", line_of("state pop")],
    ]
    # get_state() falls back to the lifespan's own state.
    ((name, found, *_),) = lookups_of(shown["/removed"])
    assert name == "shelf"
    assert found.startswith("missing in this request's state")
    assert found.endswith(SHELF)


def test_concurrent_requests_show_their_own_lookups() -> None:
    shown = visit("asgi")

    for name, type_name in (("shelf", SHELF), ("lamp", LAMP)):
        assert lookups_of(shown[f"/concurrent/{name}"]) == [
            [name, type_name, "1", line_of("concurrent before")],
            [name, type_name, "1", line_of("concurrent after")],
        ]


@kinds
@pytest.mark.parametrize("url", ["/nothing", "/answered"])
def test_the_lifespan_is_shown_for_every_request(kind: str, url: str) -> None:
    """Also if the request looked up nothing, or another panel answered it."""
    shown = visit(kind)[url]

    (resources,) = tables_of(shown)
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
        assert re.fullmatch(r"tests/panels/project/lifespan\.py:\d+", location), name


@pytest.mark.parametrize(("kind", "phase"), [("wsgi", "standby"), ("asgi", "finished")])
def test_the_phase_of_a_task_is_shown(kind: str, phase: str) -> None:
    """A server runs it; the plain block of the other kind does not."""
    shown = visit_urls(kind, "/nothing", at="after", task="yes")["/nothing"]

    (resources,) = tables_of(shown)
    rows = {row[0]: row[1] for row in resources}
    assert rows["feed (optional)"] == f"running (task: {phase})"


def test_values_are_not_shown_and_names_are_escaped() -> None:
    content = visit("wsgi")["/marked"]["content"]

    assert "&lt;script&gt;alert(&quot;name&quot;)&lt;/script&gt;" in content
    assert "&lt;b&gt;Marked&lt;/b&gt;" in content
    assert "<script" not in content
    assert "<b>" not in content
    assert "secret" not in content


@pytest.mark.parametrize(
    ("kind", "problem"),
    [("none", "No lifespan runs"), ("several", "more than one lifespan")],
)
def test_without_one_lifespan_the_panel_says_so(kind: str, problem: str) -> None:
    shown = visit_urls(kind, "/nothing", at=None)["/nothing"]

    assert "a page" in shown["body"]
    assert tables_of(shown) == []
    assert problem in shown["content"]


@pytest.mark.parametrize(
    ("kind", "url", "type_in_scope"),
    [
        ("wsgi", "/attributes?off", "NoneType"),
        ("asgi", "/attributes?off", "RequestValues"),
        # Without a state, or code would work with the toolbar only.
        ("wsgi", "/attributes", "RecordedState"),
    ],
)
def test_the_panel_changes_only_the_scope_of_requests_with_the_toolbar(
    kind: str, url: str, type_in_scope: str
) -> None:
    shown = visit(kind, None)[url]

    assert json.loads(shown["body"]) == {
        "has_state": False,
        "type_in_scope": type_in_scope,
    }
