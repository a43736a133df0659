"""What the panel shows of requests of Django's test clients, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.processes import ROOT, running

from .site import place_of, tables_of

PROJECT = "tests.panels.project.lifespan"
SHELF, LAMP = f"{PROJECT}.Shelf", f"{PROJECT}.Lamp"

kinds = pytest.mark.parametrize("kind", ["sync", "async"])
places = pytest.mark.parametrize(
    "place", [None, "before", "after"], ids=["without", "before", "after"]
)


def visited(kind: str, *urls: str, place: str | None = None) -> list[dict[str, Any]]:
    """What was shown for each address."""
    with running(
        *("-W", "error", "-m", "tests.panels.visits", kind, *urls),
        folder=ROOT,
        DJANGO_SETTINGS_MODULE="tests.panels.project.settings",
        PLACE=place,
    ) as process:
        code = process.wait()
    assert code == 0, process.output
    return [json.loads(line) for line in process.lines if line.startswith("{")]


@kinds
@places
def test_shows_what_was_fetched(kind: str, place: str | None) -> None:
    """Wherever our middleware stands, if anywhere, and in the summary too."""
    (shown,) = visited(kind, f"/{kind}", place=place)

    fetched, resources = tables_of(shown["content"])
    assert fetched[1:] == [
        ["shelf", SHELF, "1", place_of(f"{kind} once")],
        ["lamp", LAMP, "2", place_of(f"{kind} twice")],
        ["nowhere", "missing", "1", place_of(f"{kind} missing")],
    ]
    assert {row[0]: row[1] for row in resources[1:]} == {
        "shelf": "running",
        "lamp": "running",
        '<script>alert("name")</script>': "running",
        "broken (optional)": "failed: ConnectionError",
    }
    assert "<small>2 fetched, 1 missing</small>" in shown["button"]
    assert "secret" not in shown["content"]


@kinds
def test_shows_what_a_streamed_response_fetched_until_its_end(kind: str) -> None:
    """The toolbar was rendered before its beginning."""
    (shown,) = visited(kind, f"/stream/{kind}", place="after")

    assert shown["body"] == "ab"
    assert tables_of(shown["content"])[0][1:] == [
        ["lamp", LAMP, "1", place_of(f"{kind} before")],
        ["shelf", SHELF, "1", place_of(f"{kind} stream")],
    ]
    assert "<small>2 fetched</small>" in shown["button"]


@kinds
def test_each_request_shows_its_own(kind: str) -> None:
    """Also where it fetched nothing, and where another panel answered it."""
    fetched, nothing, answered = visited(kind, f"/{kind}", "/nothing", "/answered")

    assert len(tables_of(fetched["content"])) == 2
    for shown in (nothing, answered):
        assert [table[0][0] for table in tables_of(shown["content"])] == ["Resource"]
        assert "<p>Nothing.</p>" in shown["content"]
        assert "<small>0 fetched</small>" in shown["button"]


def test_says_so_where_no_lifespan_runs() -> None:
    """The page is served all the same."""
    (shown,) = visited("none", "/nothing", place="after")

    assert "a page" in shown["body"]
    assert tables_of(shown["content"]) == []
    assert "<pre>No lifespan runs here.</pre>" in shown["content"]


def test_says_so_where_lifespans_cannot_be_told_apart() -> None:
    """Several run, and none is the request's."""
    (shown,) = visited("several", "/nothing", place="after")

    assert "a page" in shown["body"]
    assert tables_of(shown["content"]) == []
    assert "the process has more than one lifespan" in shown["content"]
