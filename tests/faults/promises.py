"""What must hold of every run, whatever went wrong in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator

from .machine import Outcome
from .probes import Probe
from .scenario import LIMITS, Crash, Fault, Shape

CULPRIT = re.compile(r"lifespan resource '(r\d+)'")
FAILS_TO_START = {*Fault} - {Fault.NONE, Fault.YIELD_TWICE}
FAILS_TO_STOP = {*Fault} - {Fault.NONE, Fault.WRONG_TYPE, Fault.NEVER_YIELD}


def check(outcome: Outcome) -> None:
    """Every promise; the first that is broken says which resource broke it."""
    for promise in PROMISES:
        promise(outcome)


def _opened(outcome: Outcome) -> list[Probe]:
    return [probe for probe in outcome.probes if probe.opened]


def _dependents(outcome: Outcome, probe: Probe) -> Iterator[Probe]:
    """Who needs it directly."""
    number = outcome.probes.index(probe)
    yield from (other for other in outcome.probes if number in other.spec.needs)


# --- Resources


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
    for probe in _opened(outcome):
        needed = [outcome.probes[number] for number in probe.spec.needs]
        assert probe.given == tuple(need.value for need in needed), probe.name
        assert probe.opening is not None
        due = begin
        for need in needed:
            assert need.started is not None, f"{probe.name} before {need.name}"
            assert need.started.number < probe.opening.number, probe.name
            due = max(due, need.started.at)
        assert probe.opening.at == due, f"{probe.name} opens late"


def what_is_needed_closes_last(outcome: Outcome) -> None:
    """Nothing begins to close before all that needs it is closed."""
    for probe in _opened(outcome):
        if probe.told_to_crash or not probe.has_cleanup or probe.stopping is None:
            continue
        for other in _using(outcome, probe):
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


def _using(outcome: Outcome, probe: Probe) -> Iterator[Probe]:
    # What has crashed is gone, and keeps nobody any more.
    for other in _dependents(outcome, probe):
        yield other
        if not other.told_to_crash and other.name not in outcome.given_up:
            yield from _using(outcome, other)


def stops_are_on_time(outcome: Outcome) -> None:
    """A resource begins to close the moment the last that needs it is closed."""
    ends: dict[str, float | None] = {}
    orderly = [
        probe
        for probe in _opened(outcome)
        if outcome.held(probe) and probe.stopping and not probe.told_to_crash
    ]
    begin = min((probe.stopping.at for probe in orderly if probe.stopping), default=0)
    for probe in reversed(outcome.probes):
        users = [ends[other.name] for other in _dependents(outcome, probe)]
        due = None if None in users else max([begin, *(at for at in users if at)])
        if probe in orderly and due is not None:
            assert probe.stopping is not None
            assert probe.stopping.at == due, f"{probe.name} stops late, or early"
        if probe.name in outcome.given_up or (
            probe.told_to_crash and not probe.has_cleanup
        ):
            ends[probe.name] = None
        elif probe.has_cleanup:
            ends[probe.name] = probe.closing.at if probe.closing else begin
        elif outcome.held(probe) or not probe.opened:
            ends[probe.name] = due
        else:
            ends[probe.name] = None


def limits_hold(outcome: Outcome) -> None:
    """No start and no stop takes longer than its limits, however deep the plan."""
    assert outcome.began is not None
    assert outcome.ended is not None
    depths: list[int] = []
    for probe in outcome.probes:
        depths.append(1 + max((depths[n] for n in probe.spec.needs), default=0))
    depth = max(depths, default=0)
    unwinding = LIMITS["CANCEL_TIMEOUT"]
    start = LIMITS["START_TIMEOUT"] * (depth + 2) + unwinding * 2
    stop = LIMITS["STOP_BUDGET"] + unwinding * 2 * (depth + 2)
    told = min((moment.at for moment in outcome.told.values()), default=None)
    for moment, kind in zip(outcome.sent_at, outcome.types, strict=True):
        if kind.startswith("lifespan.startup"):
            extra = 0 if kind.endswith("complete") else stop
            assert moment.at - outcome.began.at <= start + extra + _slept(outcome)
    if told is not None:
        took = outcome.ended.at - max(told, *_ready_at(outcome, told))
        assert took <= stop, f"the stop took {took:g} s"


def _ready_at(outcome: Outcome, told: float) -> Iterator[float]:
    # A shutdown that is sent during the start is read after it.
    yield told
    if not {"cancelled", "cancelled all"} & outcome.told.keys():
        yield from (at.at for at in outcome.sent_at[:1])


def _slept(outcome: Outcome) -> float:
    assert outcome.began is not None
    times = [probe.opening.at for probe in outcome.probes if probe.opening]
    return max(0, min(times, default=0) - outcome.began.at)


def nothing_is_left(outcome: Outcome) -> None:
    """No task, thread, lifespan or unhandled error, but of who ignores cancelling."""
    for probe in outcome.probes:
        if probe.name in outcome.given_up:
            # Told so in vain: one that ignores it, or a thread, which cannot know.
            acts = {probe.spec.start.fault, probe.spec.stop.fault}
            assert Fault.STUBBORN in acts or probe.spec.shape is Shape.BLOCKING
    assert {probe.name for probe in outcome.left_open} <= outcome.given_up
    assert {*outcome.tasks_left} <= {f"lifespan {name}" for name in outcome.given_up}
    assert outcome.threads_left == []
    assert outcome.loops_left == 0
    assert outcome.serving_left == 0
    assert outcome.problems == []


# --- Messages


def messages_are_in_order(outcome: Outcome) -> None:
    """Startup is answered once, then shutdown; a failure is sent and raised."""
    types = [kind.removeprefix("lifespan.") for kind in outcome.types]
    first = outcome.received[:1]
    if first == ["lifespan.shutdown"]:
        assert types in (["shutdown.complete"], []), types
    elif first == ["lifespan.startup"]:
        assert types in (
            [],
            ["startup.failed"],
            ["startup.complete"],
            ["startup.complete", "shutdown.complete"],
            ["startup.complete", "shutdown.failed"],
        )
    else:
        assert types == []
    last = types[-1] if types else ""
    if _undisturbed(outcome):
        wanted = {"startup.failed", "shutdown.complete", "shutdown.failed"}
        assert last in wanted, types
        assert (outcome.error is None) == (last == "shutdown.complete")
    else:
        # Cancelled or broken off, it says so in the only way that is left.
        assert outcome.error is not None or last == "shutdown.complete"
    words = {"lifespan.shutdown", "broken"}
    if types and not {*outcome.received[1:]} <= words and not _is_cancelled(outcome):
        assert isinstance(outcome.error, Exception)
        assert "shutdown.complete" not in types
    if outcome.error is not None:
        assert isinstance(outcome.error, Exception | asyncio.CancelledError)


def _undisturbed(outcome: Outcome) -> bool:
    odd = {"cancelled", "cancelled all", "broken"} & outcome.told.keys()
    words = outcome.received in (
        ["lifespan.startup"],
        ["lifespan.startup", "lifespan.shutdown"],
        ["lifespan.shutdown"],
    )
    return words and not odd


def nothing_is_open_when_it_says_so(outcome: Outcome) -> None:
    """Whoever sends that it failed, or is over, has closed; at complete all run."""
    for kind, probes, at in zip(
        outcome.types, outcome.open_at_sent, outcome.sent_at, strict=True
    ):
        names = {probe.name for probe in probes} - outcome.given_up
        if kind != "lifespan.startup.complete":
            assert names == set(), f"{kind} while {names} are open"
            continue
        state = outcome.state_at_complete or {}
        for probe in outcome.probes:
            if not probe.optional and not probe.told_to_crash:
                assert probe.opened, f"{probe.name} never opened"
                assert probe.started, f"{probe.name} has not started"
                assert probe.started.number < at.number, probe.name
                if probe.stopping is not None:
                    assert at.number < probe.stopping.number, probe.name
            if outcome.scenario.has_state and probe.name in state:
                assert state[probe.name] is probe.value
            elif outcome.scenario.has_state:
                assert probe.optional or _cleared(outcome), probe.name


def _cleared(outcome: Outcome) -> bool:
    return any(what == "clear state" for what, _ in outcome.scenario.steps)


def _said(outcome: Outcome) -> str:
    return str(outcome.sent[-1].get("message", "")) if outcome.sent else ""


def failures_name_the_culprit(outcome: Outcome) -> None:
    """A failed start names one that failed; a failed stop names all of them."""
    last = outcome.types[-1] if outcome.sent else ""
    named = set(CULPRIT.findall(_said(outcome)))
    cancelled = "cancelled all" in outcome.told
    if last == "lifespan.startup.failed":
        may = {
            probe.name
            for probe in _opened(outcome)
            if (probe.reached and probe.spec.start.fault in FAILS_TO_START)
            or probe.told_to_crash
            or "start" in probe.cut
            or not probe.reached  # it hangs, whoever cancels
            or (probe.spec.start.seconds or 0) > LIMITS["START_TIMEOUT"]
        }
        receivers = bool(outcome.raised_by_receivers)
        assert named <= may or cancelled, (named, may, _said(outcome))
        assert named or receivers, _said(outcome)
        if not receivers and not isinstance(outcome.error, asyncio.CancelledError):
            assert not {p.name for p in outcome.probes if p.optional} & named
    if last == "lifespan.shutdown.failed":
        must = {
            probe.name
            for probe in _opened(outcome)
            if outcome.held(probe)
            and probe.stopping
            and not probe.told_to_crash
            and (probe.spec.stop.fault in FAILS_TO_STOP or _is_late(probe))
        }
        maybe = {p.name for p in outcome.probes if p.told_to_crash} | {
            p.name for p in outcome.probes if "stop" in p.cut or _may_be_late(p)
        }
        assert must <= named <= must | maybe, (named, must, _said(outcome))
        assert named or "asgi_shutdown" in outcome.raised_by_receivers


def _is_late(probe: Probe) -> bool:
    if probe.spec.shape is Shape.BLOCKING:
        return (probe.spec.stop.seconds or 0) > LIMITS["STOP_TIMEOUT"]
    return "stop" in probe.cut


def _may_be_late(probe: Probe) -> bool:
    # A thread does not notice that what is left of the budget was less.
    return probe.spec.shape is Shape.BLOCKING and bool(probe.spec.stop.seconds)


def a_stop_without_errors_says_so(outcome: Outcome) -> None:
    """Nothing that failed to close is passed over in silence."""
    if outcome.types[-1:] == ["lifespan.shutdown.complete"] and outcome.types[1:]:
        for probe in _opened(outcome):
            if probe.stopping and not probe.told_to_crash and not probe.optional:
                assert probe.spec.stop.fault not in FAILS_TO_STOP, probe.name
                assert "stop" not in probe.cut, probe.name
        assert "asgi_shutdown" not in outcome.raised_by_receivers


# --- Serving


def signals_are_paired(outcome: Outcome) -> None:
    """Each at most once, in order; no asgi_startup without an asgi_shutdown."""
    names = [name for name, _, _ in outcome.signals]
    assert names in (
        [],
        ["asgi_lifespan"],
        ["asgi_lifespan", "asgi_startup", "asgi_shutdown"],
        # Cancelled before the receivers were called.
        *([["asgi_lifespan", "asgi_shutdown"]] if _is_cancelled(outcome) else []),
    ), names
    for name, moment, state in outcome.signals:
        for probe in outcome.probes:
            if name == "asgi_startup" and not probe.optional:
                assert probe.started, probe.name
                assert probe.started.number < moment.number, probe.name
                assert state[probe.name] is probe.value
            if name == "asgi_shutdown" and outcome.held(probe) and probe.stopping:
                if probe.told_to_crash:
                    continue
                assert moment.number < probe.stopping.number, probe.name
                assert state[probe.name] is probe.value


def _is_cancelled(outcome: Outcome) -> bool:
    return bool({"cancelled", "cancelled all"} & outcome.told.keys())


def requests_are_served_while_it_runs(outcome: Outcome) -> None:
    """Django reads no request before the start is over or after the end has begun."""
    startup = [at for name, at, _ in outcome.signals if name == "asgi_startup"]
    shutdown = [at for name, at, _ in outcome.signals if name == "asgi_shutdown"]
    complete = [
        at
        for at, kind in zip(outcome.sent_at, outcome.types, strict=True)
        if kind == "lifespan.startup.complete"
    ]
    for request in outcome.requests:
        if request.admitted is not None:
            assert startup, "served half-started"
            assert startup[0].number < request.admitted.number, "served too early"
            assert all(request.admitted.number < at.number for at in shutdown), (
                "served too late"
            )
            for probe in outcome.probes:
                if not probe.optional:
                    assert probe.started
                    assert probe.started.number < request.admitted.number
        elif not request.cancelled:
            assert request.status == 503
        told = min((at.number for at in outcome.told.values()), default=0)
        if complete and complete[0].number < request.asked.number < told:
            assert request.status in {200, None}, request
            if request.status is None:
                assert request.cancelled
        if request.status == 200 and not _cleared(outcome):
            named = set(request.body.decode().split())
            assert named >= {p.name for p in outcome.probes if not p.optional}


def crashes_are_noticed(outcome: Outcome) -> None:
    """Who dies while it is held is in the log, and closed at once."""
    stop = min(
        (at.number for name, at, _ in outcome.signals if "down" in name), default=0
    )
    for probe in outcome.probes:
        crash = probe.told_to_crash
        alone = probe.spec.crash is not Crash.CANCELLED or not _is_cancelled(outcome)
        if crash is None or not crash.number < stop or not alone:
            continue
        told = min((at.at for at in outcome.told.values()), default=0)
        if crash.at < told and probe.has_cleanup and probe.name not in outcome.given_up:
            assert probe.stopping is not None
            assert probe.stopping.at == crash.at, f"{probe.name} is dead, but held"
            assert any(
                f"{probe.name!r} ended while in use" in line for line in outcome.log
            ), outcome.log


PROMISES: tuple[Callable[[Outcome], None], ...] = (
    everything_is_closed_once,
    needs_come_first,
    what_is_needed_closes_last,
    stops_are_on_time,
    limits_hold,
    nothing_is_left,
    messages_are_in_order,
    nothing_is_open_when_it_says_so,
    failures_name_the_culprit,
    a_stop_without_errors_says_so,
    signals_are_paired,
    requests_are_served_while_it_runs,
    crashes_are_noticed,
)
