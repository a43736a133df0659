"""What is left when all is over: nothing."""

from __future__ import annotations

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import Fault, Shape


def nothing_is_left(outcome: Outcome) -> None:
    """No task, thread, or lifespan, but of who ignores cancelling."""
    for probe in outcome.probes:
        if probe.name in outcome.given_up:
            # Told so in vain: one that ignores it, or a thread, which cannot know.
            acts = {probe.spec.start.fault, probe.spec.stop.fault}
            assert Fault.STUBBORN in acts or probe.spec.shape is Shape.BLOCKING
    for probe in outcome.left_open:
        assert probe.name in outcome.given_up
        assert any(
            repr(probe.title) in line and "may still be open" in line
            for line in outcome.log
        ), outcome.log
    assert {*outcome.tasks_left} <= {
        f"lifespan {probe.title}"
        for probe in outcome.probes
        if probe.name in outcome.given_up
    } | {f"health {probe.name}" for probe in outcome.probes if _checks_hang(probe)}
    assert outcome.threads_left == []
    assert outcome.loops_left == 0
    assert outcome.serving_left == 0
    assert outcome.closes_left == 0


def nothing_is_raised_to_nobody(outcome: Outcome) -> None:
    """No error of a callback, a task or a clean-up is lost, and none is noise."""
    assert outcome.problems == []
    assert outcome.unraisable == []


def _checks_hang(probe: Probe) -> bool:
    check = probe.spec.health
    return check is not None and (check.blocking or check.act.fault is Fault.STUBBORN)


PROMISES = (
    nothing_is_left,
    nothing_is_raised_to_nobody,
)
