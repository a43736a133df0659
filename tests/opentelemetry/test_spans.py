"""Spans of startups and shutdowns, and of each resource in them."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress

import pytest
from django.test import override_settings
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed.exceptions import ResourceCrashed
from tests.runtime.probes import Do, Hang, Probes, Raise

from .conftest import PHASE, Telemetry, exceptions

UP = "lifespan startup"
DOWN = "lifespan shutdown"
ERROR = LookupError("no such table")


def duration(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def assert_inside(inner: ReadableSpan, outer: ReadableSpan) -> None:
    assert outer.start_time is not None
    assert outer.end_time is not None
    assert inner.start_time is not None
    assert inner.end_time is not None
    assert outer.start_time <= inner.start_time
    assert inner.start_time <= inner.end_time <= outer.end_time


def failed(telemetry: Telemetry) -> set[str]:
    """Return the names of the spans whose status is an error."""
    spans = telemetry.spans()
    return {
        name
        for name, span in spans.items()
        if span.status.status_code is StatusCode.ERROR
    }


def phase(span: ReadableSpan) -> object:
    assert span.attributes is not None
    return span.attributes[PHASE]


# --- Success


async def test_a_startup_and_a_shutdown_are_spans_with_a_child_per_resource(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add_chain("db", "cache")

    async with probes.lifespan():
        after_start = telemetry.tree()

    assert after_start == [("start db", UP), ("start cache", UP), (UP, "")]
    assert telemetry.tree()[3:] == [
        ("shut down cache", DOWN),
        ("shut down db", DOWN),
        (DOWN, ""),
    ]
    assert failed(telemetry) == set()


async def test_a_span_shows_the_times_of_the_status(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add_chain("db", "cache")
    lifespan = probes.lifespan()

    async with lifespan:
        pass

    spans = telemetry.spans()
    for status in lifespan.status():
        start, stop = spans[f"start {status.name}"], spans[f"shut down {status.name}"]
        assert status.stop_began_after is not None
        assert status.ended_after is not None
        ended = status.ended_after - status.stop_began_after
        assert duration(start) == pytest.approx(status.seconds, abs=1e-6)
        assert duration(stop) == pytest.approx(ended, abs=1e-6)
        assert_inside(start, spans[UP])
        assert_inside(stop, spans[DOWN])


async def test_attributes_describe_the_resource(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    probes.add("cache", "db", optional=True)
    location = probes.resources["cache"].declared_at

    await probes.run()

    attributes = telemetry.spans()["start cache"].attributes
    assert dict(attributes or {}) == {
        "lifespan.resource.name": "cache",
        "lifespan.resource.needs": ("db",),
        "lifespan.resource.optional": True,
        "lifespan.resource.phase": "running",
        "code.file.path": location.file,
        "code.line.number": location.line,
    }


# --- Failures


async def test_a_failed_startup_shows_the_failure_and_the_clean_up(
    telemetry: Telemetry, probes: Probes, hang: Hang
) -> None:
    probes.add("db")
    probes.add("slow", "db", start=hang)
    probes.add("broken", "db", start=Raise(ERROR, after=hang))

    with pytest.raises(LookupError):
        await probes.run()

    assert dict(telemetry.tree()) == {
        "start db": UP,
        "start slow": UP,
        "start broken": UP,
        "shut down db": UP,
        UP: "",
    }
    assert failed(telemetry) == {"start broken", UP}
    spans = telemetry.spans()
    assert phase(spans["start slow"]) == "stopped"  # it was cancelled
    for name in ("start broken", UP):
        (recorded,) = exceptions(spans[name])
        assert recorded["exception.type"] == "LookupError"
        assert recorded["exception.message"] == "no such table"
        assert "Traceback" in str(recorded["exception.stacktrace"])
        assert recorded["exception.escaped"] == "True"
        assert spans[name].status.description == "LookupError: no such table"
    for name, span in spans.items():
        if name != UP:
            assert_inside(span, spans[UP])


async def test_a_cancelled_startup_is_an_error(
    telemetry: Telemetry, probes: Probes, hang: Hang
) -> None:
    probes.add("slow", start=hang)
    starting = asyncio.ensure_future(probes.run())
    await hang.reached()

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert dict(telemetry.tree()) == {"start slow": UP, UP: ""}
    assert failed(telemetry) == {UP}


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
    spans = telemetry.spans()
    span = spans["shut down db"]
    (recorded,) = exceptions(span)
    assert str(recorded["exception.type"]).endswith(ResourceCrashed.__name__)
    assert phase(span) == "crashed"
    assert duration(span) == 0
    assert_inside(span, spans[DOWN])


async def test_a_crash_during_the_startup_is_an_error_of_both(
    telemetry: Telemetry, probes: Probes, hang: Hang
) -> None:
    async def crash() -> None:
        await probes.crash("db")
        await hang.go()

    probes.add("db")
    probes.add("slow", "db", start=Do(crash))

    with pytest.raises(ResourceCrashed):
        await probes.run()

    assert failed(telemetry) == {"shut down db", UP}
    assert dict(telemetry.tree())["shut down db"] == UP


@pytest.mark.parametrize("broken", [["db"], ["db", "cache"]])
async def test_a_failed_shutdown_shows_each_failure(
    broken: list[str], telemetry: Telemetry, probes: Probes
) -> None:
    probes.add_chain("db", "cache", "session")
    for name in broken:
        probes[name].stop = Raise(ERROR)

    with pytest.raises(Exception) as caught:
        await probes.run()

    assert failed(telemetry) == {DOWN, *(f"shut down {name}" for name in broken)}
    (recorded,) = exceptions(telemetry.spans()[DOWN])
    kind = type(caught.value).__qualname__
    assert str(recorded["exception.type"]).endswith(kind)


async def test_a_cancelled_shutdown_is_reported_at_its_end(
    telemetry: Telemetry, probes: Probes, hang: Hang
) -> None:
    probes.add("slow", stop=hang)
    running = asyncio.ensure_future(probes.run())
    await hang.reached()

    running.cancel()
    await asyncio.sleep(0)
    hang.release()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert telemetry.tree()[2:] == [("shut down slow", DOWN), (DOWN, "")]
    assert failed(telemetry) == {DOWN}


class Unprintable(Exception):
    def __str__(self) -> str:
        raise TypeError


async def test_an_exception_that_cannot_be_printed_is_an_error_by_its_type(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db", stop=Raise(Unprintable()))

    with pytest.raises(Unprintable):
        await probes.run()

    assert failed(telemetry) == {"shut down db", DOWN}
    description = telemetry.spans()[DOWN].status.description
    assert description == "Unprintable: Unprintable"


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
        self.released.set()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.journal.append("export")
        return self.released.wait(60)


async def test_the_last_shutdown_of_the_process_exports_the_spans(
    telemetry: Telemetry, probes: Probes
) -> None:
    """A server may end the process without calling exit functions."""
    telemetry.tracer_provider.add_span_processor(Exporting(probes.journal))
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
    exporting.released.clear()

    with override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.05}), probes.lifespan():
        pass

    assert probes.journal == ["export"]
    exporting.released.set()


# --- Parents


async def test_the_parent_is_the_current_span_of_the_caller(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    lifespan = probes.lifespan()

    with telemetry.tracer.start_as_current_span("deploy"):
        await lifespan.__aenter__()
    with telemetry.tracer.start_as_current_span("undeploy"):
        await lifespan.__aexit__(None, None, None)

    tree = dict(telemetry.tree())
    assert (tree[UP], tree[DOWN]) == ("deploy", "undeploy")


def test_a_sync_lifespan_that_fails_to_start_is_one_span(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    probes.add("broken", "db", start=Raise(ERROR))

    with suppress(LookupError), probes.lifespan():
        raise AssertionError("it has started")

    assert failed(telemetry) == {"start broken", UP}
    assert dict(telemetry.tree())["shut down db"] == UP


async def test_a_nested_lifespan_has_spans_of_its_own(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    (db,) = probes.resources.values()

    async with probes.lifespan(), Lifespan(probes.registry, only=(db,)):
        pass

    one = [("start db", UP), (UP, "")]
    assert telemetry.tree()[: len(one) * 2] == one * 2
    assert [name for name, _ in telemetry.tree()].count(DOWN) == 2


async def test_only_the_last_user_reports_the_shutdown(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    lifespan = probes.lifespan()

    async with lifespan:
        lifespan.join()
        await lifespan.__aexit__(None, None, None)
        before = [name for name, _ in telemetry.tree()]

    assert before == ["start db", UP]
    assert DOWN in telemetry.spans()


async def test_each_run_of_a_lifespan_is_reported(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")
    lifespan = probes.lifespan()

    for _ in range(2):
        async with lifespan:
            pass

    names = [name for name, _ in telemetry.tree()]
    assert names == ["start db", UP, "shut down db", DOWN] * 2


async def test_a_lifespan_without_resources_has_two_spans(
    telemetry: Telemetry, probes: Probes
) -> None:
    await probes.run()

    assert telemetry.tree() == [(UP, ""), (DOWN, "")]


async def test_a_refused_plan_starts_nothing_and_has_no_span(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("cache", "db")

    with pytest.raises(LookupError):
        await probes.run()

    assert telemetry.tree() == []
