"""Startups and shutdowns keep their time limits."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import HANGS, LIMITS

from .relations import is_orderly, opened

# A sum of floats may differ in its last digit.
DIGIT = 1e-6


def startups_keep_their_limits(outcome: Outcome) -> None:
    """A startup, if it succeeds, takes no longer than its longest path."""
    if outcome.began is None:
        return
    paths: list[float] = []
    for probe in outcome.probes:
        before = max((paths[number] for number in probe.spec.needs), default=0)
        paths.append(before + _longest(probe))
    unwinding = LIMITS["CANCEL_TIMEOUT"]
    receivers = 2 * (LIMITS["START_TIMEOUT"] + unwinding)
    start = max(paths, default=0) + receivers
    # After a failure the late resource ends, and then all others stop.
    failing = outcome.scenario.budget + 2 * unwinding + _stop(outcome)
    for moment, kind in zip(outcome.sent_at, outcome.types, strict=True):
        if kind.startswith("lifespan.startup"):
            extra = 0 if kind.endswith("complete") else failing
            assert moment.at - outcome.began.at <= start + extra
    if outcome.ready is not None:
        assert outcome.ready.at - outcome.began.at <= start


def _longest(probe: Probe) -> float:
    act = probe.spec.start
    takes = float("inf") if act.fault in HANGS else act.seconds or 0
    return min(takes, probe.start_limit)


def shutdowns_keep_the_budget(outcome: Outcome) -> None:
    assert outcome.ended is not None
    end = min((moment.at for moment in outcome.end_requests.values()), default=None)
    if end is not None:
        took = outcome.ended.at - max(end, *_ready_at(outcome, end))
        assert took <= _stop(outcome), f"the stop took {took:g} s"


def stops_keep_their_limits(outcome: Outcome) -> None:
    """A resource has its own limit, and no more than the rest of the budget."""
    begin = [at.at for name, at, _ in outcome.signals if name == "asgi_shutdown"]
    for probe in opened(outcome):
        if probe.ignores_limits or not is_orderly(outcome, probe):
            continue
        if probe.closing is not None:
            assert probe.stopping is not None
            took = probe.closing.at - probe.stopping.at
            spent = probe.stopping.at - begin[0] if begin else 0
            left = max(outcome.scenario.budget - spent, LIMITS["CANCEL_TIMEOUT"])
            limit = min(probe.stop_limit, left) + DIGIT
            assert took <= limit, f"{probe.name} took {took:g} s to stop"


def _stop(outcome: Outcome) -> float:
    """Return the budget, and the time to cancel each level of dependents after it."""
    depths: list[int] = []
    for probe in outcome.probes:
        depths.append(1 + max((depths[n] for n in probe.spec.needs), default=0))
    levels = max(depths, default=0) + 2
    return outcome.scenario.budget + LIMITS["CANCEL_TIMEOUT"] * 2 * levels


def _ready_at(outcome: Outcome, end: float) -> Iterator[float]:
    # A shutdown that is sent during the startup is received after it.
    yield end
    if not outcome.is_cancelled:
        yield from (at.at for at in outcome.sent_at[:1])


PROMISES = (
    startups_keep_their_limits,
    shutdowns_keep_the_budget,
    stops_keep_their_limits,
)
