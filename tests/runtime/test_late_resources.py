"""Resources that exceed their time limits: errors, cleanup and abandonment."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

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
    when: str, probes: Probes, hang: Hang
) -> None:
    """The time limit ended it, but something else failed first."""
    error = ValueError("of the factory")

    async def step() -> None:
        try:
            raise error
        finally:
            await hang.go()

    options: dict[str, Any] = {when: Do(step), f"{when}_timeout": 0.05}
    probes.add("it", **options)

    with pytest.raises((StartupTimeout, ShutdownTimeout)) as caught:
        await probes.run()

    assert caught.value.__cause__ is error


async def test_an_error_of_a_late_thread_is_the_cause(
    probes: Probes, hang: Hang
) -> None:
    """The thread cannot be interrupted, and says at last what was wrong."""
    refused = ConnectionError("wrong password")

    def fail() -> None:
        hang.block()
        raise refused

    probes.add("it", shape=BLOCKING, start=Do(fail), start_timeout=0.05)

    asyncio.get_running_loop().call_later(0.1, hang.release)
    with pytest.raises(StartupTimeout) as caught:
        await probes.run()

    assert caught.value.__cause__ is refused


async def test_the_cleanup_of_a_late_startup_has_the_time_of_a_shutdown(
    probes: Probes, hang: Hang
) -> None:
    async def step() -> None:
        try:
            await hang.go()
        finally:
            await asyncio.sleep(0.1)
            probes.journal.append("cleaned up")

    probes.add("it", start=Do(step), start_timeout=0.05)

    with pytest.raises(StartupTimeout):
        await probes.run()

    assert probes.journal == ["+it", "cleaned up", "-it"]


async def test_the_cleanup_of_a_late_startup_is_not_interrupted_by_a_failure(
    probes: Probes, hang: Hang, caplog: Log
) -> None:
    unwinding, failed = Hang(), asyncio.Event()

    async def step() -> None:
        try:
            await hang.go()
        finally:
            await unwinding.go()
            await failed.wait()
            probes.journal.append("cleaned up")

    probes.add("late", start=Do(step), start_timeout=0.05)
    probes.add("it", start=Raise(ValueError("it fails"), after=unwinding))
    probes.add("other", stop=Do(failed.set))

    unwinding.release()
    with pytest.raises(ValueError, match="it fails"):
        await probes.run()

    assert "cleaned up" in probes.journal
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

    assert "'it'" in caplog.messages[0]
    assert probes.resources["it"].declared_at.draw() in caplog.messages[0]
    assert stubborn.cancelled >= 2
    assert probes.journal == ["+before", "+it", "-before"]
    await end_late(probes, stubborn)
    assert probes.journal == ["+before", "+it", "-before", "-it"]
    assert_closed(*probes.all())
    assert probes.phases() == {"before": "stopped", "it": "failed"}


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
