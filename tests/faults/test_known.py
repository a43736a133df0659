"""Scenarios that once broke a promise."""

from __future__ import annotations

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed._asgi.gate import gate_of

from . import scenario as s
from .clock import virtual_time
from .families import CRASHES
from .machine import run
from .promises import check
from .scenario import Act, Check, Crash, Fault, Receiver, Scenario, Shape, Spec, Step

HALF: Step = ("sleep", 0.5)
CRASH: Step = ("crash", 0)


SCENARIOS = {
    "a resource crashes just before its health check": Scenario(
        (Spec(crash=Crash.ANYIO, health=Check()),),
        (s.STARTUP, HALF, s.CANCEL_ALL, s.HEALTH, s.SHUTDOWN),
        late=True,
    ),
    "a stubborn startup without a stop limit": Scenario(
        (Spec(start=Act(fault=Fault.STUBBORN), stop_limit=float("inf")),)
    ),
    "a task group fails during the shutdown": Scenario(
        (Spec(crash=Crash.ANYIO), Spec((0,), stop=Act(1.0))),
        (s.STARTUP, HALF, s.SHUTDOWN, HALF, CRASH),
    ),
    "a child is cancelled before its first step": Scenario(
        (Spec(), Spec(), Spec(shape=Shape.MANAGER, crash=Crash.ANYIO)),
        (s.STARTUP, ("turns", 8), CRASH, s.CANCEL_ALL),
        late=True,
    ),
    "an optional resource crashes during asgi_startup": Scenario(
        (Spec(optional=True), Spec()),
        (s.STARTUP, HALF, CRASH, s.SETTLE, s.SHUTDOWN),
        (Receiver("asgi_startup", Act(1.0)),),
    ),
    "a receiver swallows its cancellation and is late": Scenario(
        (Spec(),),
        (s.STARTUP, HALF, s.SHUTDOWN),
        (Receiver("asgi_shutdown", Act(fault=Fault.SWALLOW)),),
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_known_scenario(name: str) -> None:
    outcome = run(SCENARIOS[name])

    check(outcome)


@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize("end", [s.SHUTDOWN, s.CANCEL, s.CANCEL_ALL], ids=str)
def test_signals_stay_paired_after_two_ends_in_succession(
    end: Step, turns: int
) -> None:
    steps = (s.STARTUP, s.SETTLE, end, ("turns", turns), s.CANCEL)

    outcome = run(Scenario((Spec(),), steps))

    names = [name for name, _, _ in outcome.signals]
    assert names == ["asgi_lifespan", "asgi_startup", "asgi_shutdown"]


def test_a_late_start_that_is_cancelled_before_its_first_step_has_failed() -> None:
    with virtual_time() as loop:

        async def begin() -> str:
            served = gate_of(Registry()).start(loop)
            assert served.late_start is not None
            served.late_start.cancel()
            await served.startup_over.wait()
            return served.phase

        assert loop.run_until_complete(begin()) == "failed"


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("crash", CRASHES, ids=repr)
def test_a_crash_at_the_moment_of_the_shutdown_is_logged(
    crash: Crash, turns: int
) -> None:
    steps = (s.STARTUP, HALF, CRASH, ("turns", turns), s.SHUTDOWN)

    outcome = run(Scenario((Spec(crash=crash),), steps))

    check(outcome)
    assert outcome.types[-1].startswith("lifespan.shutdown.")


@pytest.mark.parametrize("late", [False, True], ids=["sent", "late"])
def test_a_thread_abandoned_by_a_second_cancellation_is_logged(late: bool) -> None:
    spec = Spec(shape=Shape.BLOCKING, start=Act(0.5), stop=Act(1.0))
    steps = (s.STARTUP, HALF, s.CANCEL_ALL_BACK, HALF, s.CANCEL_ALL)
    receivers = (Receiver("asgi_startup", Act(3.0)),)

    outcome = run(Scenario((spec,), steps, receivers, late=late))

    check(outcome)
    assert [probe.name for probe in outcome.left_open] == ["r0"]


@pytest.mark.parametrize("blocking", [False, True], ids=["stubborn", "in a thread"])
@pytest.mark.parametrize("late", [False, True], ids=["sent", "late"])
def test_a_check_abandoned_by_a_cancelled_shutdown_is_logged_once(
    late: bool, blocking: bool
) -> None:
    act = Act(11.0) if blocking else Act(fault=Fault.STUBBORN)
    steps = (s.STARTUP, s.SETTLE, s.HEALTH, ("turns", 3), s.SHUTDOWN, HALF, s.CANCEL)

    outcome = run(Scenario((Spec(health=Check(act, blocking)),), steps, late=late))

    check(outcome)
    lines = [line for line in outcome.log if "check of 'r0'" in line]
    assert len(lines) == 1


@pytest.mark.parametrize("crash", CRASHES, ids=repr)
@pytest.mark.parametrize("late", [False, True], ids=["sent", "late"])
@pytest.mark.parametrize("seconds", [None, 2.0], ids=["quick", "slow"])
def test_a_crash_during_asgi_startup_fails_the_startup(
    crash: Crash, late: bool, seconds: float | None
) -> None:
    steps = (s.STARTUP, HALF, CRASH, s.SETTLE, s.SHUTDOWN)
    receivers = (Receiver("asgi_startup", Act(1.0)),)
    spec = Spec(crash=crash, stop=Act(seconds))

    outcome = run(Scenario((spec,), steps, receivers, late=late))

    check(outcome)
    assert outcome.ready is None
    assert outcome.types == ([] if late else ["lifespan.startup.failed"])
