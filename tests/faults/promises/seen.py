"""What promises ask of a run: who was there, and who used whom."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import Fault, Shape

FAILS_TO_START = {*Fault} - {Fault.NONE, Fault.YIELD_TWICE, Fault.FALSE}
FAILS_TO_STOP = {*Fault} - {
    Fault.NONE,
    Fault.WRONG_TYPE,
    Fault.NEVER_YIELD,
    Fault.FALSE,
}


def opened(outcome: Outcome) -> list[Probe]:
    return [probe for probe in outcome.probes if probe.opened]


def dependents(outcome: Outcome, probe: Probe) -> Iterator[Probe]:
    """Who needs it directly; for a manager, those that come after it."""
    number = outcome.probes.index(probe)
    yield from (other for other in outcome.probes if number in other.spec.needs)
    in_turn = managers(outcome)
    if probe in in_turn:
        yield from in_turn[in_turn.index(probe) + 1 :]


def managers(outcome: Outcome) -> list[Probe]:
    """The managers, in their order: those that receivers return come last."""
    return [
        probe
        for shape in (Shape.MANAGER, Shape.RECEIVED)
        for probe in outcome.probes
        if probe.spec.shape is shape
    ]


def using(outcome: Outcome, probe: Probe) -> Iterator[Probe]:
    # What has crashed is gone, and keeps nobody any more.
    for other in dependents(outcome, probe):
        yield other
        if not other.told_to_crash and other.name not in outcome.given_up:
            yield from using(outcome, other)


def is_cancelled(outcome: Outcome) -> bool:
    return bool({"cancelled", "cancelled all"} & outcome.told.keys())


def is_orderly(outcome: Outcome, probe: Probe) -> bool:
    """Whether it was running, and was closed in its turn."""
    held = outcome.held(probe) and probe.stopping is not None
    return held and not probe.told_to_crash
