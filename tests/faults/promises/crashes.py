"""Who dies while it is held is noticed."""

from __future__ import annotations

from tests.faults.outcome import Outcome
from tests.faults.scenario import LIMITS, Crash, Fault, Shape

from .limits import DIGIT
from .seen import is_cancelled


def crashes_are_noticed(outcome: Outcome) -> None:
    """Who dies while it is held is in the log, and closed at once."""
    stop = min(
        (at.number for name, at, _ in outcome.signals if "down" in name), default=0
    )
    told = min((at.at for at in outcome.told.values()), default=0)
    for probe in outcome.probes:
        crash = probe.told_to_crash
        alone = probe.spec.crash is not Crash.CANCELLED or not is_cancelled(outcome)
        if crash is None or not crash.number < stop or not alone:
            continue
        if not probe.has_cleanup or probe.name in outcome.given_up:
            continue
        crashed, failed = (
            any(words in line for line in outcome.log)
            for words in (
                f"{probe.title!r} ended while it was in use",
                f"{probe.title!r} failed to stop",
            )
        )
        if crash.at < told:
            assert probe.stopping is not None
            assert probe.stopping.at == crash.at, f"{probe.name} is dead, but held"
            assert crashed, outcome.log
        elif crash.at == told and probe.has_child:
            # In the instant of the end, turns of the loop decide which of the two.
            assert crashed or failed, outcome.log


def crashes_unwind_within_the_limit_of_a_stop(outcome: Outcome) -> None:
    """Nobody has to stop the others for that."""
    budget = max(outcome.scenario.budget, LIMITS["CANCEL_TIMEOUT"])
    for probe in outcome.probes:
        acts = {probe.spec.start.fault, probe.spec.stop.fault}
        if probe.spec.shape is Shape.BLOCKING or Fault.STUBBORN in acts:
            continue
        if probe.told_to_crash and probe.stopping and probe.closing:
            took = probe.closing.at - probe.stopping.at
            assert took <= min(probe.stop_limit, budget) + DIGIT, probe.name


PROMISES = (crashes_are_noticed, crashes_unwind_within_the_limit_of_a_stop)
