"""What the machine has found: each run is kept as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._asgi.gate import Host
from django_lifespan_typed._runtime.current import running

from .clock import virtual_time
from .families import CRASHES, _placed
from .machine import run
from .promises import check
from .scenario import (
    CANCEL,
    CANCEL_ALL,
    CANCEL_ALL_BACK,
    HEALTH,
    SETTLE,
    SHUTDOWN,
    STARTUP,
    Act,
    Check,
    Crash,
    Fault,
    Receiver,
    Scenario,
    Shape,
    Spec,
    Step,
)
from .server import FOR_EVER


@pytest.mark.parametrize("then", [CANCEL, CANCEL_ALL], ids=["it", "all"])
@pytest.mark.parametrize("end", [SHUTDOWN, CANCEL, CANCEL_ALL], ids=lambda end: end[0])
def test_a_second_end_at_once_keeps_the_signals_paired(end: Step, then: Step) -> None:
    """Cancelled one turn of the loop after its end began, it sends asgi_shutdown."""
    steps = (STARTUP, SETTLE, end, ("turns", 1), then)

    outcome = run(Scenario((Spec(),), steps))

    names = [name for name, _, _ in outcome.signals]
    assert names == ["asgi_lifespan", "asgi_startup", "asgi_shutdown"]


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SWALLOW, Fault.STUBBORN], ids=repr)
def test_a_crash_that_hangs_does_not_hang_the_stop(fault: Fault) -> None:
    """What has crashed, and hangs while it unwinds, has the time limit of a stop."""
    steps = (STARTUP, SETTLE, ("crash", 0), ("sleep", 0.5), SHUTDOWN)

    outcome = run(Scenario((Spec(stop=Act(fault=fault)),), steps))

    check(outcome)


def test_a_late_receiver_that_swallows_its_cancellation_is_late() -> None:
    """It ended well, but too late: the shutdown says so."""
    steps = (STARTUP, ("sleep", 0.5), SHUTDOWN)
    receiver = Receiver("asgi_shutdown", Act(fault=Fault.SWALLOW))

    outcome = run(Scenario((Spec(),), steps, (receiver,)))

    check(outcome)
    assert outcome.types[-1] == "lifespan.shutdown.failed"


def test_a_late_start_that_is_cancelled_at_once_has_failed() -> None:
    """A loop that cancels all that it has, before the first step: no one waits on."""
    with virtual_time() as loop:

        async def begin() -> str:
            record = Host(Registry()).start(loop)
            assert record.task is not None
            record.task.cancel()
            await asyncio.wait_for(record.settled.wait(), FOR_EVER)
            return record.phase

        assert loop.run_until_complete(begin()) == "failed"


def test_no_health_check_of_what_has_crashed_and_unwinds() -> None:
    """Its value is dead already, and nobody's any more."""
    registry, checked, release = Registry(), list[object](), asyncio.Event()
    held = list[asyncio.Task[object]]()

    async def unwinds() -> AsyncGenerator[int]:
        held.append(asyncio.current_task())  # type: ignore[arg-type]
        try:
            yield 1
        finally:
            await release.wait()

    resource = lifespan_resource("r0", registry=registry)(unwinds)
    resource.health(checked.append)

    async def crash() -> str:
        async with Lifespan(registry) as _:
            lifespan = running.on(asyncio.get_running_loop())
            assert lifespan is not None
            held[0].cancel()
            await asyncio.sleep(1)
            (health,) = await lifespan.health()
            release.set()
            return health.verdict

    with virtual_time() as loop:
        assert loop.run_until_complete(crash()) == "fail"
    assert checked == []


@pytest.mark.parametrize("end", [CANCEL_ALL, CANCEL_ALL_BACK], ids=["first", "last"])
def test_no_health_check_of_what_crashes_in_the_turn_before_it(end: Step) -> None:
    """It was usable when the check was asked for, one turn of the loop ago."""
    spec = Spec(crash=Crash.ANYIO, health=Check())
    steps = (STARTUP, ("sleep", 0.5), end, HEALTH, SHUTDOWN)

    outcome = run(Scenario((spec,), steps, late=True))

    check(outcome)


def test_a_late_start_without_a_stop_limit_fails() -> None:
    """One that ignores that it is cancelled has what a whole stop may take."""
    spec = Spec(start=Act(fault=Fault.STUBBORN), stop_limit=float("inf"))

    outcome = run(Scenario((spec,)))

    check(outcome)
    assert outcome.types == ["lifespan.startup.failed"]


def test_a_stop_that_fails_names_all_however_many() -> None:
    """A traceback shows fifteen of a group; the message has each of them."""
    spec = Spec(stop=Act(fault=Fault.RAISE))

    outcome = run(Scenario((spec,) * 17))

    check(outcome)
    assert outcome.types[-1] == "lifespan.shutdown.failed"
    said = outcome.sent[-1]["message"]
    assert [f"'r{number}'" in said for number in range(17)] == [True] * 17


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("crash", CRASHES, ids=repr)
def test_a_crash_in_the_instant_of_the_shutdown_is_not_lost(
    crash: Crash, turns: int
) -> None:
    """It crashes, or fails to stop: either is in the log. A cancellation is the end."""
    steps = (STARTUP, ("sleep", 0.5), ("crash", 0), ("turns", turns), SHUTDOWN)

    outcome = run(Scenario((Spec(crash=crash),), steps))

    check(outcome)
    assert outcome.types[-1].startswith("lifespan.shutdown.")


@pytest.mark.parametrize("late", [False, True], ids=["sent", "late"])
def test_a_thread_that_a_second_cancellation_leaves_alone_is_said(late: bool) -> None:
    """It cannot be interrupted, and nobody waits for it any longer."""
    spec = Spec(shape=Shape.BLOCKING, start=Act(0.5), stop=Act(1.0))
    steps = (STARTUP, ("sleep", 0.5), CANCEL_ALL_BACK, ("sleep", 0.5), CANCEL_ALL)
    receivers = (Receiver("asgi_startup", Act(3.0)),)

    outcome = run(Scenario((spec,), steps, receivers, late=late))

    check(outcome)
    assert [probe.name for probe in outcome.left_open] == ["r0"]
    assert "ERROR the thread of 'r0' does not end; it is left open" in outcome.log


@pytest.mark.parametrize("blocking", [False, True], ids=["stubborn", "in a thread"])
@pytest.mark.parametrize("late", [False, True], ids=["sent", "late"])
def test_a_check_that_a_cancelled_stop_leaves_alone_is_said(
    late: bool, blocking: bool
) -> None:
    """The time that is left is for the resources."""
    act = Act(11.0) if blocking else Act(fault=Fault.STUBBORN)
    spec = Spec(health=Check(act, blocking))
    steps = (STARTUP, SETTLE, HEALTH, ("turns", 3), SHUTDOWN, ("sleep", 0.5), CANCEL)

    outcome = run(Scenario((spec,), steps, late=late))

    check(outcome)
    hangs = "WARNING the health check of 'r0' did not finish and was abandoned"
    assert outcome.log.count(hangs) == 1


def test_what_ignores_a_cancelled_anyio_group_at_its_start_is_not_tried() -> None:
    """It would spin, as anyio has it: no scenario of a family is like that."""
    spec = Spec(start=Act(fault=Fault.STUBBORN), crash=Crash.ANYIO)

    (placed,) = _placed(([spec], 99))

    assert placed.crash is Crash.CANCELLED


def test_a_group_that_fails_while_all_stops_does_not_spin() -> None:
    """It waited for its turn against anyio, which cancels until the scope is left."""
    specs = (Spec(crash=Crash.ANYIO), Spec((0,), stop=Act(1.0)))
    steps = (STARTUP, ("sleep", 0.5), SHUTDOWN, ("sleep", 0.5), ("crash", 0))

    outcome = run(Scenario(specs, steps))

    check(outcome)
    assert outcome.types[-1] == "lifespan.shutdown.failed"


def test_a_child_that_is_cancelled_before_its_first_step_is_anyios() -> None:
    """anyio wraps it, and never comes to it: no fault of the lifespan."""
    manager = Spec(shape=Shape.MANAGER, crash=Crash.ANYIO)
    steps = (STARTUP, ("turns", 8), ("crash", 0), CANCEL_ALL)

    outcome = run(Scenario((Spec(), Spec(), manager), steps, late=True))

    check(outcome)


@pytest.mark.parametrize("crash", CRASHES, ids=repr)
@pytest.mark.parametrize("late", [False, True], ids=["sent", "late"])
@pytest.mark.parametrize("seconds", [None, 2.0], ids=["quick", "unwinds"])
def test_a_crash_while_the_start_is_told_of_fails_the_start(
    crash: Crash, late: bool, seconds: float | None
) -> None:
    """All run when it says so: not what died while receivers were called."""
    spec = Spec(crash=crash, stop=Act(seconds))
    steps = (STARTUP, ("sleep", 0.5), ("crash", 0), SETTLE, SHUTDOWN)
    receivers = (Receiver("asgi_startup", Act(1.0)),)

    outcome = run(Scenario((spec,), steps, receivers, late=late))

    check(outcome)
    assert outcome.ready is None
    assert outcome.types == ([] if late else ["lifespan.startup.failed"])


def test_what_is_optional_may_crash_while_the_start_is_told_of() -> None:
    """The others go on without it."""
    steps = (STARTUP, ("sleep", 0.5), ("crash", 0), SETTLE, SHUTDOWN)
    receivers = (Receiver("asgi_startup", Act(1.0)),)

    outcome = run(Scenario((Spec(optional=True), Spec()), steps, receivers))

    check(outcome)
    assert outcome.types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
