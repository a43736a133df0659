"""What is opened is closed, where and when it has to be."""

from __future__ import annotations

from tests.faults.outcome import Outcome

from .seen import opened


def everything_is_closed_once(outcome: Outcome) -> None:
    """Closed as often as opened, in the same task or thread, in the same context."""
    for probe in outcome.probes:
        assert len(probe.opened) <= 1, f"{probe.name} opened twice"
        assert set(probe.found) <= {"nobody's"}, f"{probe.name} in another's context"
        if probe.has_cleanup:
            assert probe.closed == probe.opened, f"{probe.name}: where it was closed"
    places = [place for probe in outcome.probes for place, _ in probe.opened]
    assert len({id(place) for place in places}) == len(places)


def needs_come_first(outcome: Outcome) -> None:
    """A resource is given what it needs, and opens the moment the last is there."""
    begin = min(
        (probe.opening.at for probe in outcome.probes if probe.opening), default=0
    )
    for probe in opened(outcome):
        needed = [outcome.probes[number] for number in probe.spec.needs]
        assert probe.given == tuple(need.value for need in needed), probe.name
        assert probe.opening is not None
        due = begin
        for need in needed:
            assert need.started is not None, f"{probe.name} before {need.name}"
            assert need.started.number < probe.opening.number, probe.name
            if need.closing is not None:
                assert probe.opening.at <= need.closing.at, f"{need.name} is dead"
            due = max(due, need.started.at)
        assert probe.opening.at == due, f"{probe.name} opens late"


PROMISES = (
    everything_is_closed_once,
    needs_come_first,
)
