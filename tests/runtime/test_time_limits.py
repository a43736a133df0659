"""Everything has a time limit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import (
    InvalidValue,
    ShutdownTimeout,
    StartupTimeout,
)

from .probes import (
    SHAPES,
    Hang,
    Probes,
    Raise,
    Step,
    Stubborn,
    assert_closed,
    phases,
)

BLOCKING = next(shape for shape in SHAPES if shape.blocking)

Limits = Callable[..., None]


async def test_a_start_that_is_late_names_who_waits(
    registry: Registry, probes: Probes, hang: Hang
) -> None:
    """Those that need it and have not started."""
    probes.add("before")
    probes.add("it", "before", start=hang, start_timeout=0.05)
    probes.add("b", "it")
    probes.add("a", "it")
    lifespan = Lifespan(registry)

    with pytest.raises(TimeoutError) as caught:
        await lifespan.__aenter__()

    assert isinstance(caught.value, StartupTimeout)
    assert str(caught.value) == (
        "lifespan resource 'it' did not start within 0.05 s\n"
        f"{probes.resources['it'].declared_at.draw()}\n"
        "Waiting for it: 'a', 'b'.\nTo allow it more time, set start_timeout= "
        '(seconds) or LIFESPAN["START_TIMEOUT"].'
    )
    assert caught.value.waiting == ("a", "b")
    assert caught.value.seconds == 0.05
    assert_closed(probes["before"], probes["it"])
    assert phases(lifespan) == {
        "before": "stopped",
        "it": "failed",
        "b": "stopped",
        "a": "stopped",
    }


async def test_the_settings_limit_a_start(
    registry: Registry, probes: Probes, hang: Hang, limits: Limits
) -> None:
    """Where the resource has no limit of its own."""
    limits(START_TIMEOUT=0.05)
    probes.add("it", start=hang)

    with pytest.raises(StartupTimeout) as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value.seconds == 0.05


async def test_a_start_without_a_limit_may_take_long(
    registry: Registry, probes: Probes, hang: Hang, limits: Limits
) -> None:
    """``inf`` is for no limit, also against the settings."""

    class Release(Step):
        async def go(self) -> None:
            await asyncio.sleep(0.1)  # longer than the limit
            hang.release()

    limits(START_TIMEOUT=0.05)
    probes.add("it", start=hang, start_timeout=float("inf"))
    probes.add("other", start=Release(), start_timeout=60)

    async with Lifespan(registry):
        pass

    assert_closed(*probes.all())


async def test_the_limit_does_not_count_what_it_waits_for(
    registry: Registry, probes: Probes, hang: Hang
) -> None:
    """The time of a resource begins when its needs have started."""

    class Release(Step):
        async def go(self) -> None:
            await asyncio.sleep(0.1)  # longer than the limit

    probes.add("slow", start=Release())
    probes.add("it", "slow", start_timeout=0.05)

    async with Lifespan(registry):
        pass

    assert_closed(*probes.all())


async def test_no_limit_is_left_when_the_start_is_over(
    registry: Registry, probes: Probes
) -> None:
    """A resource may run for longer than it may start or stop."""
    probes.add("it", start_timeout=0.05, stop_timeout=0.05)
    lifespan = Lifespan(registry)

    async with lifespan:
        await asyncio.sleep(0.1)  # longer than both
        assert phases(lifespan) == {"it": "running"}

    assert_closed(*probes.all())


async def test_a_stop_that_is_late_names_who_waits(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """What it needs, which is closed after it."""
    probes.add("a")
    probes.add("b")
    probes.add("it", "b", "a", stop=hang, stop_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(TimeoutError) as caught:
        async with lifespan:
            pass

    assert isinstance(caught.value, ShutdownTimeout)
    assert str(caught.value) == (
        "lifespan resource 'it' did not stop within 0.05 s\n"
        f"{probes.resources['it'].declared_at.draw()}\n"
        "Waiting for it: 'a', 'b'.\nTo allow it more time, set stop_timeout= "
        '(seconds) or LIFESPAN["STOP_TIMEOUT"] and "STOP_BUDGET".'
    )
    assert journal[3] == "-it"
    assert_closed(*probes.all())
    assert phases(lifespan) == {"a": "stopped", "b": "stopped", "it": "failed"}


async def test_the_settings_limit_a_stop(
    registry: Registry, probes: Probes, hang: Hang, limits: Limits
) -> None:
    """Where the resource has no limit of its own."""
    limits(STOP_TIMEOUT=0.05)
    probes.add("it", stop=hang)

    with pytest.raises(ShutdownTimeout) as caught:
        async with Lifespan(registry):
            pass

    assert caught.value.seconds == 0.05


async def test_the_budget_limits_the_whole_stop(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang, limits: Limits
) -> None:
    """Once it is spent, each that is left has but the time to unwind."""
    limits(STOP_BUDGET=0.01, STOP_TIMEOUT=3600, CANCEL_TIMEOUT=0.05)
    probes.add_chain("a", "b", "c")
    for probe in probes.all():
        probe.stop = hang

    with pytest.raises(BaseException) as caught:
        async with Lifespan(registry):
            pass

    errors: list[Any] = list(getattr(caught.value, "exceptions", ()))
    assert [(error.name, error.seconds) for error in errors] == [
        ("c", 0.05),
        ("b", 0.05),
        ("a", 0.05),
    ]
    assert journal[3:] == ["-c", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_start_that_ignores_its_cancellation_is_left_alone(
    registry: Registry,
    probes: Probes,
    *,
    journal: list[str],
    stubborn: Stubborn,
    limits: Limits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The start fails within the limits; what opens late is closed at once."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    probes.add("before")
    probes.add("it", "before", start=stubborn, start_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(StartupTimeout):
        await lifespan.__aenter__()

    assert journal == ["+before", "+it", "-before"]
    assert stubborn.cancelled == 3
    assert phases(lifespan) == {"before": "stopped", "it": "failed"}
    assert [record.getMessage() for record in caplog.records] == [given_up(probes)]
    await release_late(probes, stubborn)
    assert journal == ["+before", "+it", "-before", "-it"]
    assert_closed(*probes.all())
    assert phases(lifespan) == {"before": "stopped", "it": "failed"}


async def test_a_stop_that_ignores_its_cancellation_is_left_alone(
    registry: Registry,
    probes: Probes,
    *,
    journal: list[str],
    stubborn: Stubborn,
    limits: Limits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What it needs is closed all the same."""
    limits(CANCEL_TIMEOUT=0.05)
    probes.add("before")
    probes.add("it", "before", stop=stubborn, stop_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(ShutdownTimeout):
        async with lifespan:
            pass

    assert journal == ["+before", "+it", "-before"]
    assert stubborn.cancelled == 2
    assert phases(lifespan) == {"before": "stopped", "it": "failed"}
    assert [record.getMessage() for record in caplog.records] == [
        given_up(probes),
        "failed to stop 'it'",
    ]
    await release_late(probes, stubborn)
    assert journal == ["+before", "+it", "-before", "-it"]
    assert_closed(*probes.all())


def given_up(probes: Probes) -> str:
    """What is logged of the one that was left alone."""
    drawn = probes.resources["it"].declared_at.draw()
    return (
        "lifespan resource 'it' ignores that it was cancelled; it is left open\n"
        f"{drawn}"
    )


async def release_late(probes: Probes, stubborn: Stubborn) -> None:
    """Let the one that was left alone end."""
    task: Any = probes["it"].opened[0].runs_in
    stubborn.release()
    await asyncio.wait({task})


async def test_what_was_left_alone_and_fails_late_is_not_told_again(
    registry: Registry,
    probes: Probes,
    stubborn: Stubborn,
    limits: Limits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It was told when it was given up; its status stays as it was."""

    class FailLate(Step):
        async def go(self) -> None:
            await stubborn.go()
            raise ValueError("late")

    limits(CANCEL_TIMEOUT=0.05)
    probes.add("it", stop=FailLate(), stop_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(ShutdownTimeout) as caught:
        async with lifespan:
            pass
    caplog.clear()
    await release_late(probes, stubborn)

    assert caplog.records == []
    assert [status.error for status in lifespan.status()] == [caught.value]


async def test_a_sibling_that_ignores_its_cancellation_is_left_alone(
    registry: Registry, probes: Probes, stubborn: Stubborn, limits: Limits
) -> None:
    """It cannot keep a failed start from being told."""

    class FailLater(Step):
        async def go(self) -> None:
            await stubborn.reached()
            raise ValueError("it fails")

    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    probes.add("it", start=stubborn)
    probes.add("other", start=FailLater())
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()

    assert phases(lifespan) == {"it": "stopped", "other": "failed"}
    await release_late(probes, stubborn)
    assert_closed(*probes.all())


async def test_a_stop_that_swallows_its_cancellation_was_late_all_the_same(
    registry: Registry, probes: Probes, hang: Hang
) -> None:
    """It ends as if nothing had been, and is told as late."""

    class Swallow(Step):
        async def go(self) -> None:
            with suppress(asyncio.CancelledError):
                await hang.go()

    probes.add("it", stop=Swallow(), stop_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(ShutdownTimeout):
        async with lifespan:
            pass

    assert phases(lifespan) == {"it": "failed"}
    assert_closed(*probes.all())


async def test_a_start_that_swallows_its_cancellation_was_late_all_the_same(
    registry: Registry, probes: Probes, hang: Hang, caplog: pytest.LogCaptureFixture
) -> None:
    """Its value came too late, and is closed."""

    class Swallow(Step):
        async def go(self) -> None:
            with suppress(asyncio.CancelledError):
                await hang.go()

    probes.add("it", start=Swallow(), start_timeout=0.05)

    with pytest.raises(StartupTimeout):
        await Lifespan(registry).__aenter__()

    assert_closed(*probes.all())
    assert caplog.records == []  # it was not given up


async def test_what_a_thread_fails_of_after_the_limit_is_the_cause(
    registry: Registry,
) -> None:
    """It cannot be cut off, and says at last what was wrong."""
    refused = ConnectionError("wrong password")
    is_late = threading.Event()

    @lifespan_resource("it", registry=registry, start_timeout=0.05)
    def _it() -> Iterator[int]:
        assert is_late.wait(60)
        raise refused
        yield 1

    @lifespan_resource("beside", registry=registry)
    async def _beside() -> AsyncGenerator[int]:
        try:
            await asyncio.Event().wait()
        finally:
            is_late.set()
        yield 1

    asyncio.get_running_loop().call_later(0.1, is_late.set)
    with pytest.raises(StartupTimeout) as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value.__cause__ is refused


@pytest.mark.parametrize("when", ["start", "stop"])
async def test_what_fails_after_the_limit_is_the_cause(
    when: str, registry: Registry, probes: Probes, hang: Hang
) -> None:
    """That it was late matters more; why it could not be cut off is not lost."""
    untidy = OSError("untidy")

    class Untidy(Step):
        async def go(self) -> None:
            try:
                await hang.go()
            except asyncio.CancelledError:
                raise untidy from None

    steps: dict[str, Any] = {when: Untidy(), f"{when}_timeout": 0.05}
    probes.add("it", **steps)

    with pytest.raises((StartupTimeout, ShutdownTimeout)) as caught:
        async with Lifespan(registry):
            pass

    assert caught.value.__cause__ is untidy
    assert_closed(*probes.all())


async def test_a_late_start_is_not_interrupted_twice(
    registry: Registry, journal: list[str], hang: Hang, caplog: pytest.LogCaptureFixture
) -> None:
    """What it does to close, once its limit has passed, goes on while others fail."""
    unwinding, failed = asyncio.Event(), asyncio.Event()

    @lifespan_resource("before", registry=registry)
    async def before() -> AsyncGenerator[int]:
        yield 1

    @lifespan_resource("late", needs=(before,), start_timeout=0.05, registry=registry)
    async def _late(_: int) -> AsyncGenerator[int]:
        try:
            await hang.go()
            yield 1
        finally:
            unwinding.set()
            await failed.wait()
            journal.append("-late")

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        await unwinding.wait()
        raise ValueError("it fails")
        yield 1

    @lifespan_resource("stopped after", registry=registry)
    async def _stopped_after() -> AsyncGenerator[int]:
        yield 1
        failed.set()

    lifespan = Lifespan(registry)
    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()

    assert journal == ["-late"]
    assert phases(lifespan) == {
        "before": "stopped",
        "late": "failed",
        "it": "failed",
        "stopped after": "stopped",
    }
    assert [
        (record.getMessage(), record.exc_info and type(record.exc_info[1]))
        for record in caplog.records
    ] == [("failed to start 'late' too", StartupTimeout)]
    (late,) = (s.error for s in lifespan.status() if s.name == "late")
    assert isinstance(late, StartupTimeout)
    assert late.waiting == ()  # none that needs it, and it needs 'before' no more


async def test_the_clean_up_of_a_late_start_has_the_time_of_a_stop(
    registry: Registry, journal: list[str], hang: Hang
) -> None:
    """What it has opened is closed in good order."""

    @lifespan_resource("it", start_timeout=0.05, registry=registry)
    async def _it() -> AsyncGenerator[int]:
        try:
            await hang.go()
            yield 1
        finally:
            await asyncio.sleep(0.05)
            journal.append("-it")

    with pytest.raises(StartupTimeout):
        await Lifespan(registry).__aenter__()

    assert journal == ["-it"]


@pytest.mark.parametrize("when", ["start", "stop"])
async def test_a_thread_that_hangs_does_not_hold_the_lifespan_up(
    when: str,
    registry: Registry,
    probes: Probes,
    *,
    journal: list[str],
    hang: Hang,
    limits: Limits,
) -> None:
    """It is a daemon, given up; its step ends when it ends."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    options: dict[str, Any] = {when: hang, f"{when}_timeout": 0.05}
    probes.add("before")
    probe = probes.add("it", "before", shape=BLOCKING, **options)

    with pytest.raises((StartupTimeout, ShutdownTimeout)):
        async with Lifespan(registry):
            pass

    assert journal == ["+before", "+it", "-before"]
    thread = probe.opened[0].runs_in
    assert isinstance(thread, threading.Thread)
    assert thread.daemon
    assert thread.is_alive()
    hang.release()
    await asyncio.to_thread(thread.join, 30)
    assert journal == ["+before", "+it", "-before", "-it"]
    assert_closed(*probes.all())


async def test_a_loop_that_has_ended_is_no_trouble_to_a_thread_that_was_given_up(
    hang: Hang,
) -> None:
    """The thread finds nobody to tell, and ends."""
    journal: list[str] = []
    registry = Registry()
    probes = Probes(registry, journal)
    probe = probes.add("it", shape=BLOCKING, stop=hang, stop_timeout=0.05)

    async def run() -> None:
        with pytest.raises(ShutdownTimeout):
            async with Lifespan(registry):
                pass

    await asyncio.to_thread(asyncio.run, run())
    thread = probe.opened[0].runs_in
    assert isinstance(thread, threading.Thread)
    hang.release()
    await asyncio.to_thread(thread.join, 30)

    assert journal == ["+it", "-it"]


async def test_a_late_stop_is_logged_once(
    registry: Registry, probes: Probes, hang: Hang, caplog: pytest.LogCaptureFixture
) -> None:
    """With the error that is raised."""
    probes.add("it", stop=hang, stop_timeout=0.05)
    probes.add("other", stop=Raise(ValueError("other")))

    with pytest.raises(BaseException) as caught:
        async with Lifespan(registry):
            pass

    errors: list[Any] = list(getattr(caught.value, "exceptions", ()))
    assert [type(error) for error in errors] == [ValueError, ShutdownTimeout]
    assert {
        (record.levelno, record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    } == {
        (logging.ERROR, "failed to stop 'other'", errors[0]),
        (logging.ERROR, "failed to stop 'it'", errors[1]),
    }


async def test_a_late_end_of_a_failed_start_tells_the_failure_too(
    registry: Registry, hang: Hang
) -> None:
    """What failed first is the cause; the limit is what ended it."""

    @lifespan_resource("it", registry=registry, start_timeout=0.05)
    async def _() -> AsyncGenerator[str]:
        try:
            raise ValueError("of the factory")
        finally:
            await hang.go()
        yield "never"

    with pytest.raises(StartupTimeout) as caught:
        await Lifespan(registry).__aenter__()

    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_refused_value_that_hangs_while_it_is_closed_is_told(
    registry: Registry, hang: Hang
) -> None:
    """Its limit is the start's, and does not hide why it was closed."""
    key = StateKey[int]("it")

    @lifespan_resource(key, registry=registry, start_timeout=0.05)
    async def it() -> AsyncGenerator[Any]:
        try:
            yield "no int"
        finally:
            await hang.go()

    with pytest.raises(StartupTimeout) as caught:
        await Lifespan(registry).__aenter__()

    assert isinstance(caught.value.__cause__, InvalidValue)


async def test_a_late_end_of_a_failed_stop_tells_the_failure_too(
    registry: Registry, hang: Hang
) -> None:
    """As a start does."""

    @lifespan_resource("it", registry=registry, stop_timeout=0.05)
    async def _() -> AsyncGenerator[str]:
        yield "it"
        try:
            raise ValueError("of the factory")
        finally:
            await hang.go()

    with pytest.raises(ShutdownTimeout) as caught:
        async with Lifespan(registry):
            pass

    assert isinstance(caught.value.__cause__, ValueError)
