"""What the machine has found: each run is kept as it was."""

from __future__ import annotations

import pytest

from .machine import run
from .promises import check
from .scenario import (
    CANCEL,
    CANCEL_ALL,
    SETTLE,
    SHUTDOWN,
    STARTUP,
    Act,
    Fault,
    Receiver,
    Scenario,
    Spec,
    Step,
)


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
