"""Resources that exceed their time limits: errors, cleanup and abandonment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed.exceptions import ShutdownTimeout, StartupTimeout

from .probes import (
    BLOCKING,
    Do,
    Hang,
    Interrupted,
    Limits,
    Log,
    Probes,
    Raise,
    Stubborn,
    assert_closed,
    logged_errors,
)

sleep = Do(lambda: asyncio.sleep(0.1))
"""Takes longer than the limits of 0.05 seconds in these tests."""

start_or_stop = pytest.mark.parametrize("when", ["start", "stop"])


# --- After the limit


@start_or_stop
@pytest.mark.parametrize(
    "error", [None, OSError("untidy")], ids=["swallowed", "raised"]
)
async def test_a_resource_that_ends_after_its_limit_is_late_all_the_same(
    error: BaseException | None, when: str, probes: Probes, caplog: Log
) -> None:
    """An exception that it raises when it is cancelled is the cause."""
    options: dict[str, Any] = {when: Interrupted(error), f"{when}_timeout": 0.05}
    probes.add("it", **options)

    with pytest.raises((StartupTimeout, ShutdownTimeout)) as caught:
        await probes.run()

    assert caught.value.__cause__ is error
    assert probes.phases() == {"it": "failed"}
    assert_closed(*probes.all())
    assert logged_errors(caplog) == ([caught.value] if when == "stop" else [])


@start_or_stop
async def test_the_error_whose_cleanup_hangs_is_the_cause(
    when: str, registry: Registry, hang: Hang
) -> None:
    """The time limit ended it, but something else failed first."""
    error = ValueError("of the factory")
    limits: dict[str, Any] = {f"{when}_timeout": 0.05}

    async def step() -> None:
        try:
            raise error
        finally:
            await hang.go()

    Probes(registry, []).add("it", **{when: Do(step)}, **limits)

    with pytest.raises((StartupTimeout, ShutdownTimeout)) as caught:
        async with Lifespan(registry):
            pass

    assert caught.value.__cause__ is error


async def test_an_error_of_a_late_thread_is_the_cause(registry: Registry) -> None:
    """The thread cannot be interrupted, and says at last what was wrong."""
    refused = ConnectionError("wrong password")
    is_late = threading.Event()

    @lifespan_resource("it", registry=registry, start_timeout=0.05)
    def _it() -> Iterator[int]:
        assert is_late.wait(60)
        raise refused
        yield 1

    asyncio.get_running_loop().call_later(0.1, is_late.set)
    with pytest.raises(StartupTimeout) as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value.__cause__ is refused


async def test_the_cleanup_of_a_late_startup_has_the_time_of_a_shutdown(
    registry: Registry, journal: list[str], hang: Hang
) -> None:
    @lifespan_resource("it", start_timeout=0.05, registry=registry)
    async def _it() -> AsyncGenerator[int]:
        try:
            await hang.go()
            yield 1
        finally:
            await sleep.go()
            journal.append("-it")

    with pytest.raises(StartupTimeout):
        await Lifespan(registry).__aenter__()

    assert journal == ["-it"]


async def test_the_cleanup_of_a_late_startup_is_not_interrupted_by_a_failure(
    probes: Probes, hang: Hang, caplog: Any
) -> None:
    unwinding, failed = Hang(), asyncio.Event()

    @lifespan_resource("late", start_timeout=0.05, registry=probes.registry)
    async def _late() -> AsyncGenerator[int]:
        try:
            await hang.go()
            yield 1
        finally:
            unwinding.release()
            await failed.wait()
            probes.journal.append("-late")

    async def fail() -> None:
        await unwinding.go()
        raise ValueError("it fails")

    probes.add("it", start=Do(fail))
    probes.add("stopped after", stop=Do(failed.set))

    with pytest.raises(ValueError, match="it fails"):
        await probes.run()

    assert "-late" in probes.journal
    late = probes.errors()["late"]
    assert isinstance(late, StartupTimeout)
    assert late.waiting == ()
    assert logged_errors(caplog) == [late]


# --- Resources that ignore their cancellation


async def end_late(probes: Probes, stubborn: Stubborn) -> None:
    """Release the abandoned resource and wait for its end."""
    task: Any = probes["it"].opened[0].runs_in
    stubborn.release()
    await asyncio.wait({task})


@start_or_stop
async def test_a_resource_that_ignores_its_cancellation_is_abandoned(
    when: str, probes: Probes, stubborn: Stubborn, limits: Limits, caplog: Log
) -> None:
    """Its dependencies are closed, and it is closed when it ends."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    options: dict[str, Any] = {when: stubborn, f"{when}_timeout": 0.05}
    probes.add("before")
    probes.add("it", "before", **options)

    with pytest.raises((StartupTimeout, ShutdownTimeout)):
        await probes.run()

    abandoned = caplog.messages[0]
    assert "'it'" in abandoned
    assert probes.resources["it"].declared_at.draw() in abandoned
    assert probes.journal == ["+before", "+it", "-before"]
    assert stubborn.cancelled >= 2
    assert probes.phases() == {"before": "stopped", "it": "failed"}
    await end_late(probes, stubborn)
    assert probes.journal == ["+before", "+it", "-before", "-it"]
    assert_closed(*probes.all())
    assert probes.phases() == {"before": "stopped", "it": "failed"}


async def test_a_sibling_that_ignores_its_cancellation_does_not_delay_the_failure(
    probes: Probes, stubborn: Stubborn, limits: Limits
) -> None:
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    probes.add("it", start=stubborn)
    probes.add("other", start=Raise(ValueError("it fails"), after=stubborn))

    with pytest.raises(ValueError, match="it fails"):
        await probes.run()

    assert probes.phases() == {"it": "stopped", "other": "failed"}
    await end_late(probes, stubborn)
    assert_closed(*probes.all())


# --- Threads


async def test_a_thread_that_hangs_is_abandoned(
    probes: Probes, hang: Hang, limits: Limits
) -> None:
    """It is a daemon, may outlive its loop, and closes when the step returns."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    probes.add("before")
    probe = probes.add("it", "before", shape=BLOCKING, stop=hang, stop_timeout=0.05)

    with pytest.raises(ShutdownTimeout):
        await asyncio.to_thread(asyncio.run, probes.run())
    abandoned = list(probes.journal)
    thread = probe.opened[0].runs_in
    assert isinstance(thread, threading.Thread)
    assert thread.daemon
    assert thread.is_alive()
    hang.release()
    await asyncio.to_thread(thread.join, 30)

    assert abandoned == ["+before", "+it", "-before"]
    assert probes.journal == [*abandoned, "-it"]
    assert_closed(*probes.all())
