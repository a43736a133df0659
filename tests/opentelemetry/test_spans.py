"""Spans of startups and shutdowns, and of each resource in them."""

from __future__ import annotations

import logging
import threading

import pytest
from django.test import override_settings
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from django_lifespan_typed import Lifespan, Registry
from tests.runtime.probes import Hang, Probes, Raise

from .conftest import PHASE, Telemetry

UP = "lifespan startup"
DOWN = "lifespan shutdown"
ERROR = LookupError("no such table")


def times(span: ReadableSpan) -> tuple[int, int]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time, span.end_time


def duration(span: ReadableSpan) -> float:
    began, ended = times(span)
    return (ended - began) / 1e9


def failed(telemetry: Telemetry) -> set[str]:
    """Return the names of the spans whose status is an error."""
    return {
        name
        for name, span in telemetry.spans().items()
        if span.status.status_code is StatusCode.ERROR
    }


def recorded(span: ReadableSpan) -> list[object]:
    """Return the types of the exceptions that *span* has recorded."""
    return [(event.attributes or {})["exception.type"] for event in span.events]


# --- Success


async def test_a_startup_and_a_shutdown_are_spans_with_a_child_per_resource(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    probes.add("cache", "db", optional=True)
    lifespan = probes.lifespan()

    async with lifespan:
        after_start = telemetry.tree()

    assert after_start == [("start db", UP), ("start cache", UP), (UP, "")]
    assert telemetry.tree()[3:] == [
        ("shut down cache", DOWN),
        ("shut down db", DOWN),
        (DOWN, ""),
    ]
    assert failed(telemetry) == set()
    spans = telemetry.spans()
    for status in lifespan.status():
        assert status.stop_began_after is not None
        assert status.ended_after is not None
        start, stop = spans[f"start {status.name}"], spans[f"shut down {status.name}"]
        stopping = status.ended_after - status.stop_began_after
        assert duration(start) == pytest.approx(status.seconds, abs=1e-6)
        assert duration(stop) == pytest.approx(stopping, abs=1e-6)
        for inner, outer in ((start, spans[UP]), (stop, spans[DOWN])):
            (first, last), (began, ended) = times(outer), times(inner)
            assert first <= began <= ended <= last
    location = probes.resources["cache"].declared_at
    assert dict(spans["start cache"].attributes or {}) == {
        "lifespan.resource.name": "cache",
        "lifespan.resource.needs": ("db",),
        "lifespan.resource.optional": True,
        "lifespan.resource.phase": "running",
        "code.file.path": location.file,
        "code.line.number": location.line,
    }


async def test_the_parent_is_the_current_span_of_the_caller(
    telemetry: Telemetry, probes: Probes
) -> None:
    lifespan = probes.lifespan()

    with telemetry.tracer.start_as_current_span("deploy"):
        await lifespan.__aenter__()
    with telemetry.tracer.start_as_current_span("undeploy"):
        await lifespan.__aexit__(None, None, None)

    tree = dict(telemetry.tree())
    assert (tree[UP], tree[DOWN]) == ("deploy", "undeploy")


# --- Failures


async def test_a_failed_startup_shows_the_failure_and_the_clean_up(
    telemetry: Telemetry, probes: Probes, hang: Hang
) -> None:
    probes.add("db")
    probes.add("slow", "db", start=hang)
    probes.add("broken", "db", start=Raise(ERROR, after=hang))
    probes.add("session", "broken")

    with pytest.raises(LookupError):
        await probes.run()

    assert dict(telemetry.tree()) == {
        "start db": UP,
        "start slow": UP,  # it was cancelled
        "start broken": UP,
        "shut down db": UP,
        UP: "",
    }
    assert failed(telemetry) == {"start broken", UP}
    for name in ("start broken", UP):
        span = telemetry.spans()[name]
        assert recorded(span) == ["LookupError"]
        assert span.status.description == "LookupError: no such table"


async def test_a_failed_optional_resource_does_not_fail_the_startup(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("cache", start=Raise(ERROR), optional=True)
    probes.add("session", "cache", optional=True)

    await probes.run()

    assert telemetry.tree() == [("start cache", UP), (UP, ""), (DOWN, "")]
    assert failed(telemetry) == {"start cache"}


async def test_a_crash_is_an_error_of_the_shutdown_of_the_resource(
    telemetry: Telemetry, probes: Probes
) -> None:
    """It may have crashed hours before, so this span takes no time."""
    probes.add_chain("db", "cache")

    async with probes.lifespan():
        await probes.crash("db")

    assert failed(telemetry) == {"shut down db"}
    span = telemetry.spans()["shut down db"]
    assert (span.attributes or {})[PHASE] == "crashed"
    assert duration(span) == 0
    assert times(telemetry.spans()[DOWN])[0] <= times(span)[0]


class Unprintable(Exception):
    def __str__(self) -> str:
        raise TypeError


@pytest.mark.parametrize("error", [ERROR, Unprintable()], ids=["usual", "unprintable"])
@pytest.mark.parametrize("broken", [["db"], ["db", "cache"]])
async def test_a_failed_shutdown_shows_each_failure(
    broken: list[str], error: Exception, *, telemetry: Telemetry, probes: Probes
) -> None:
    probes.add_chain("db", "cache", "session")
    for name in broken:
        probes[name].stop = Raise(error)

    with pytest.raises(Exception) as caught:
        await probes.run()

    assert failed(telemetry) == {DOWN, *(f"shut down {name}" for name in broken)}
    status = telemetry.spans()[DOWN].status
    assert str(status.description).startswith(f"{caught.type.__name__}: ")


class Broken(SpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        raise ERROR


async def test_a_processor_that_fails_does_not_fail_the_lifespan(
    telemetry: Telemetry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.tracer_provider.add_span_processor(Broken())
    probes.add("db")

    await probes.run()

    assert probes.journal == ["+db", "-db"]
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info and record.exc_info[1] for record in records] == [ERROR] * 2


# --- Export


class Exporting(SpanProcessor):
    """Records when it is asked to export."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.released = threading.Event()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.journal.append("export")
        return self.released.wait(60)


async def test_the_last_shutdown_of_the_process_exports_the_spans(
    telemetry: Telemetry, probes: Probes
) -> None:
    """A server may end the process without calling exit functions."""
    exporting = Exporting(probes.journal)
    exporting.released.set()
    telemetry.tracer_provider.add_span_processor(exporting)
    probes.add("db")

    async with Lifespan(Registry()):
        await probes.run()
        before = probes.journal.copy()

    assert before == ["+db", "-db"]
    assert probes.journal == ["+db", "-db", "export"]


def test_an_export_that_hangs_does_not_stop_the_shutdown(
    telemetry: Telemetry, probes: Probes
) -> None:
    exporting = Exporting(probes.journal)
    telemetry.tracer_provider.add_span_processor(exporting)

    with override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.05}), probes.lifespan():
        pass

    assert probes.journal == ["export"]
    exporting.released.set()
