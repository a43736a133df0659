"""What the log says of a lifespan."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry

from .probes import SHAPES, Hang, Probes, Step, assert_closed

BLOCKING = next(shape for shape in SHAPES if shape.blocking)
NAME = "django_lifespan_typed"


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and text of each record, with ``N`` for each time."""
    assert {record.name for record in caplog.records} <= {NAME, "asyncio"}
    return [
        (record.levelname, re.sub(r"\b\d+\.\d\b", "N", record.getMessage()))
        for record in caplog.records
        if record.name == NAME
    ]


async def test_tells_each_start_and_stop_and_the_whole(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """With their milliseconds; the whole with its critical path."""
    caplog.set_level(logging.INFO, NAME)
    probes.add_chain("db", "repository")
    probes.add("view", "repository", shape=BLOCKING)

    async with Lifespan(registry):
        pass

    assert told(caplog) == [
        ("INFO", "started 'db' in N ms"),
        ("INFO", "started 'repository' in N ms"),
        ("INFO", "started 'view' in N ms"),
        (
            "INFO",
            (
                "lifespan started 3 resources in N ms, "
                "critical path: db > repository > view"
            ),
        ),
        ("INFO", "stopped 'view' in N ms"),
        ("INFO", "stopped 'repository' in N ms"),
        ("INFO", "stopped 'db' in N ms"),
        ("INFO", "lifespan stopped in N ms"),
    ]


async def test_the_critical_path_is_that_of_the_slowest(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture, hang: Hang
) -> None:
    """What started last, and what it waited for."""

    class Release(Step):
        async def go(self) -> None:
            hang.release()

    caplog.set_level(logging.INFO, NAME)
    probes.add("slow", start=hang)
    probes.add("user", "slow", "quick")
    probes.add_chain("quick", "quicker")
    probes.add("quickest", "quicker", start=Release())

    async with Lifespan(registry):
        pass

    whole = "lifespan started 5 resources in N ms, critical path: slow > user"
    assert ("INFO", whole) in told(caplog)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        pytest.param((), "lifespan started 0 resources in N ms", id="none"),
        pytest.param(
            ("a",), "lifespan started 1 resource in N ms, critical path: a", id="one"
        ),
    ],
)
async def test_counts_resources(
    names: tuple[str, ...],
    text: str,
    registry: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As one would say it."""
    caplog.set_level(logging.INFO, NAME)
    for name in names:
        probes.add(name)

    async with Lifespan(registry):
        pass

    assert ("INFO", text) in told(caplog)


async def test_is_silent_above_information(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """All is well: there is no warning."""
    caplog.set_level(logging.WARNING, NAME)
    probes.add_chain("a", "b")

    async with Lifespan(registry):
        pass

    assert told(caplog) == []


class Heard(logging.Handler):
    """Calls back at a text that is logged."""

    def __init__(self, text: str, call: Callable[[], object]) -> None:
        super().__init__()
        self._text = text
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self._call()


@pytest.fixture
def heard() -> Any:
    """Listens to the log for the time of a test."""
    handlers: list[Heard] = []

    def listen(text: str, call: Callable[[], object]) -> None:
        handlers.append(Heard(text, call))
        logging.getLogger(NAME).addHandler(handlers[-1])

    yield listen
    for handler in handlers:
        logging.getLogger(NAME).removeHandler(handler)


async def test_tells_what_a_slow_start_waits_for(
    registry: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
    hang: Hang,
    *,
    limits: Callable[..., None],
    heard: Callable[..., None],
) -> None:
    """Again and again, with those that wait for it; not for what has started."""
    limits(REPORT_INTERVAL=0.01)
    probes.add("started")
    probes.add("slow", "started", start=hang)
    probes.add("b", "slow")
    probes.add("a", "slow")
    probes.add("alone", start=hang)
    reports: list[None] = []

    def count() -> None:
        reports.append(None)
        if len(reports) == 3:
            hang.release()

    heard("still starting", count)

    async with Lifespan(registry):
        pass

    assert told(caplog) == [
        (
            "WARNING",
            (
                "lifespan still starting after N s: "
                "'alone' for N s, 'slow' for N s (waiting for it: 'a', 'b')"
            ),
        )
    ] * len(reports)
    assert len(reports) >= 3
    assert_closed(*probes.all())


async def test_tells_what_a_slow_stop_waits_for(
    registry: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
    hang: Hang,
    *,
    limits: Callable[..., None],
    heard: Callable[..., None],
) -> None:
    """With what cannot stop before it has."""
    limits(REPORT_INTERVAL=0.01)
    probes.add("needed")
    probes.add("slow", "needed", stop=hang)
    heard("still stopping", hang.release)

    async with Lifespan(registry):
        pass

    assert told(caplog)[0] == (
        "WARNING",
        "lifespan still stopping after N s: 'slow' for N s (waiting for it: 'needed')",
    )
    assert_closed(*probes.all())


async def test_tells_of_a_thread_that_blocks(
    registry: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
    hang: Hang,
    *,
    limits: Callable[..., None],
    heard: Callable[..., None],
) -> None:
    """The loop goes on while it does."""
    limits(REPORT_INTERVAL=0.01)
    probes.add("slow", shape=BLOCKING, start=hang)
    heard("still starting", hang.release)

    async with Lifespan(registry):
        pass

    assert told(caplog)[0] == (
        "WARNING",
        "lifespan still starting after N s: 'slow' for N s",
    )


async def test_stops_reporting_when_the_start_is_over(
    registry: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
    limits: Callable[..., None],
) -> None:
    """However long it runs."""
    limits(REPORT_INTERVAL=0.001)
    probes.add("it")

    async with Lifespan(registry):
        caplog.clear()
        await asyncio.sleep(0.02)

    assert [text for _, text in told(caplog) if "starting" in text] == []
