"""The plan decides when each stops."""

from __future__ import annotations

from tests.faults.outcome import Outcome
from tests.faults.scenario import MANAGERS

from .seen import dependents, is_orderly, managers, opened, using


def what_is_needed_closes_last(outcome: Outcome) -> None:
    """Nothing begins to close before all that needs it is closed."""
    for probe in opened(outcome):
        if probe.told_to_crash or not probe.has_cleanup or probe.stopping is None:
            continue
        if probe.spec.shape in MANAGERS and not is_orderly(outcome, probe):
            continue  # its start has failed, while others were starting still
        for other in using(outcome, probe):
            if (
                not other.opened
                or not other.has_cleanup
                or other.name in outcome.given_up
            ):
                continue
            assert other.closing is not None
            assert other.closing.number < probe.stopping.number, (
                f"{probe.name} closes before {other.name}"
            )


def stops_are_on_time(outcome: Outcome) -> None:
    """A resource begins to close the moment the last that needs it is closed."""
    ends: dict[str, float | None] = {}
    orderly = [probe for probe in opened(outcome) if is_orderly(outcome, probe)]
    begin = min((probe.stopping.at for probe in orderly if probe.stopping), default=0)
    in_turn = managers(outcome)
    rest = [probe for probe in outcome.probes if probe not in in_turn]
    for probe in reversed([*rest, *in_turn]):
        users = [ends[other.name] for other in dependents(outcome, probe)]
        due = None if None in users else max([begin, *(at for at in users if at)])
        if probe in orderly and due is not None:
            assert probe.stopping is not None
            assert probe.stopping.at == due, f"{probe.name} stops late, or early"
        if probe.name in outcome.given_up or (
            probe.told_to_crash and not probe.has_cleanup
        ):
            ends[probe.name] = None
        elif probe.has_cleanup:
            # A crashed resource closed early; its dependents are still awaited.
            closed = probe.closing.at if probe.closing else begin
            ends[probe.name] = None if due is None else max(closed, due)
        elif outcome.held(probe) or not probe.opened:
            ends[probe.name] = due
        else:
            ends[probe.name] = None


PROMISES = (
    what_is_needed_closes_last,
    stops_are_on_time,
)
