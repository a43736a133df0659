"""How the resources of one run are related."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.outcome import Outcome
from tests.faults.probes import Moment, Probe
from tests.faults.scenario import Shape


def opened(outcome: Outcome) -> list[Probe]:
    return [probe for probe in outcome.probes if probe.opened]


def managers(outcome: Outcome) -> list[Probe]:
    """Return the managers in order: those that receivers return come last."""
    return [
        probe
        for shape in (Shape.MANAGER, Shape.RECEIVED)
        for probe in outcome.probes
        if probe.spec.shape is shape
    ]


def dependents(outcome: Outcome, probe: Probe) -> Iterator[Probe]:
    """Yield the direct dependents; for a manager, the managers after it."""
    number = outcome.probes.index(probe)
    yield from (other for other in outcome.probes if number in other.spec.needs)
    in_turn = managers(outcome)
    if probe in in_turn:
        yield from in_turn[in_turn.index(probe) + 1 :]


def using(outcome: Outcome, probe: Probe) -> Iterator[Probe]:
    """Yield direct and indirect dependents, except those behind a crash."""
    for other in dependents(outcome, probe):
        yield other
        if not other.crashed_at and other.name not in outcome.abandoned:
            yield from using(outcome, other)


def is_orderly(outcome: Outcome, probe: Probe) -> bool:
    """Whether *probe* was running, and was shut down in its turn."""
    held = outcome.held(probe) and probe.stopping is not None
    return held and not probe.crashed_at


def first_stop(outcome: Outcome) -> Moment | None:
    stops = [
        probe.stopping
        for probe in outcome.probes
        if is_orderly(outcome, probe) and probe.stopping is not None
    ]
    return min(stops, key=lambda moment: moment.number, default=None)
