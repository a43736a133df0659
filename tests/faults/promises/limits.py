"""Everything has a time limit."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import HANGS, LIMITS, Fault, Shape

from .seen import is_orderly, opened

# A sum may differ in its last digit.
DIGIT = 1e-6


def starts_are_within_their_limits(outcome: Outcome) -> None:
    """A start is over, well or badly, when its longest path is, however deep."""
    if outcome.began is None:
        return
    paths: list[float] = []
    for probe in outcome.probes:
        before = max((paths[number] for number in probe.spec.needs), default=0)
        paths.append(before + _longest(probe))
    unwinding = LIMITS["CANCEL_TIMEOUT"]
    receivers = 2 * (LIMITS["START_TIMEOUT"] + unwinding)
    start = max(paths, default=0) + receivers
    # One that is late unwinds, and then all others stop.
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


def stops_are_within_the_budget(outcome: Outcome) -> None:
    """And each level of the plan that hangs has a moment to unwind after it."""
    assert outcome.ended is not None
    told = min((moment.at for moment in outcome.told.values()), default=None)
    if told is not None:
        took = outcome.ended.at - max(told, *_ready_at(outcome, told))
        assert took <= _stop(outcome), f"the stop took {took:g} s"


def stops_are_within_their_limits(outcome: Outcome) -> None:
    """Who can be cancelled has no more than its own limit, and what is left."""
    begin = [at.at for name, at, _ in outcome.signals if name == "asgi_shutdown"]
    for probe in opened(outcome):
        acts = {probe.spec.start.fault, probe.spec.stop.fault}
        if probe.spec.shape is Shape.BLOCKING or Fault.STUBBORN in acts:
            continue
        if is_orderly(outcome, probe) and probe.closing is not None:
            assert probe.stopping is not None
            took = probe.closing.at - probe.stopping.at
            spent = probe.stopping.at - begin[0] if begin else 0
            left = max(outcome.scenario.budget - spent, LIMITS["CANCEL_TIMEOUT"])
            limit = min(probe.stop_limit, left) + DIGIT
            assert took <= limit, f"{probe.name} took {took:g} s to stop"


def _stop(outcome: Outcome) -> float:
    depths: list[int] = []
    for probe in outcome.probes:
        depths.append(1 + max((depths[n] for n in probe.spec.needs), default=0))
    levels = max(depths, default=0) + 2
    return outcome.scenario.budget + LIMITS["CANCEL_TIMEOUT"] * 2 * levels


def _ready_at(outcome: Outcome, told: float) -> Iterator[float]:
    # A shutdown that is sent during the start is read after it.
    yield told
    if not {"cancelled", "cancelled all"} & outcome.told.keys():
        yield from (at.at for at in outcome.sent_at[:1])


PROMISES = (
    starts_are_within_their_limits,
    stops_are_within_the_budget,
    stops_are_within_their_limits,
)
