"""Resources are closed, in the right place and order, and crashes are noticed."""

from __future__ import annotations

from tests.faults.jobs import JobProbe
from tests.faults.outcome import Outcome
from tests.faults.scenario import LIMITS, MANAGERS, Crash

from .limits import DIGIT
from .relations import dependents, is_orderly, managers, opened, using


def everything_is_closed_once(outcome: Outcome) -> None:
    """Each is closed in the task or thread, and in the context, that opened it."""
    for probe in outcome.probes:
        assert len(probe.opened) <= 1, f"{probe.name} opened twice"
        assert set(probe.found) <= {"unset"}, f"{probe.name} in another's context"
        if probe.has_cleanup:
            assert probe.closed == probe.opened, f"{probe.name}: where it was closed"
    tasks = [task for probe in outcome.probes for task, _ in probe.opened]
    assert len({id(task) for task in tasks}) == len(tasks)


def dependencies_start_first(outcome: Outcome) -> None:
    """A resource is given its dependencies, and starts once the last has started."""
    begin = min(
        (probe.opening.at for probe in outcome.probes if probe.opening), default=0
    )
    for probe in opened(outcome):
        dependencies = [outcome.probes[number] for number in probe.spec.needs]
        assert probe.given == tuple(one.value for one in dependencies), probe.name
        assert probe.opening is not None
        due = begin
        for dependency in dependencies:
            assert dependency.started is not None, f"{probe.name} is too early"
            assert dependency.started.number < probe.opening.number, probe.name
            if dependency.closing is not None:
                assert probe.opening.at <= dependency.closing.at, probe.name
            due = max(due, dependency.started.at)
        assert probe.opening.at == due, f"{probe.name} opens late"


def dependents_stop_first(outcome: Outcome) -> None:
    for probe in opened(outcome):
        if probe.crashed_at or not probe.has_cleanup or probe.stopping is None:
            continue
        if probe.spec.shape in MANAGERS and not is_orderly(outcome, probe):
            continue  # it failed to start while others were still starting
        for other in using(outcome, probe):
            is_awaited = other.opened and other.has_cleanup
            if is_awaited and other.name not in outcome.abandoned:
                assert other.closing is not None
                assert other.closing.number < probe.stopping.number, (
                    f"{probe.name} closes before {other.name}"
                )


def stops_are_on_time(outcome: Outcome) -> None:
    """A resource begins to close at the moment when its last dependent is closed."""
    ends: dict[str, float | None] = {}
    orderly = [probe for probe in opened(outcome) if is_orderly(outcome, probe)]
    begin = min((probe.stopping.at for probe in orderly if probe.stopping), default=0)
    in_turn = managers(outcome)
    rest = [probe for probe in outcome.probes if probe not in in_turn]
    for probe in reversed([*rest, *in_turn]):
        users = [ends[other.name] for other in dependents(outcome, probe)]
        users += [_end_of(job, outcome) for job in outcome.jobs if probe in job.needs]
        due = None if None in users else max([begin, *(at for at in users if at)])
        if probe in orderly and due is not None:
            assert probe.stopping is not None
            assert probe.stopping.at == due, f"{probe.name} stops late, or early"
        is_unknown = probe.crashed_at and not probe.has_cleanup
        if probe.name in outcome.abandoned or is_unknown:
            ends[probe.name] = None
        elif probe.has_cleanup:
            # A crashed resource closed early; its dependents are still awaited.
            closed = probe.closing.at if probe.closing else begin
            ends[probe.name] = None if due is None else max(closed, due)
        elif outcome.held(probe) or not probe.opened:
            ends[probe.name] = due
        else:
            ends[probe.name] = None


def _end_of(job: JobProbe, outcome: Outcome) -> float | None:
    """Return when a background task ended, which may be before the shutdown."""
    if job.name in outcome.abandoned_jobs:
        return None
    ends = [ran.ended for ran in job.runs] + [each.released for each in job.tenures]
    return max((end.at for end in ends if end is not None), default=0)


def crashes_are_noticed(outcome: Outcome) -> None:
    """A resource that crashes is closed at once, and the log says so."""
    stop = min(
        (at.number for name, at, _ in outcome.signals if "down" in name), default=0
    )
    end = min((moment.at for moment in outcome.end_requests.values()), default=0)
    for probe in outcome.probes:
        crash = probe.crashed_at
        alone = probe.spec.crash is not Crash.CANCELLED or not outcome.is_cancelled
        if crash is None or not crash.number < stop or not alone:
            continue
        if not probe.has_cleanup or probe.name in outcome.abandoned:
            continue
        crashed = outcome.is_logged(f"{probe.title!r} ended while it was in use")
        failed = outcome.is_logged(f"{probe.title!r} failed to stop")
        if crash.at < end:
            assert probe.stopping is not None
            assert probe.stopping.at == crash.at, f"{probe.name} is dead, but held"
            assert crashed, outcome.log
        elif crash.at == end and probe.has_child:
            # At the same time, iterations of the loop decide which of the two it is.
            assert crashed or failed, outcome.log


def crashes_end_within_the_stop_limit(outcome: Outcome) -> None:
    budget = max(outcome.scenario.budget, LIMITS["CANCEL_TIMEOUT"])
    for probe in outcome.probes:
        if probe.ignores_limits:
            continue
        if probe.crashed_at and probe.stopping and probe.closing:
            took = probe.closing.at - probe.stopping.at
            assert took <= min(probe.stop_limit, budget) + DIGIT, probe.name


def nothing_is_left(outcome: Outcome) -> None:
    """No task, thread or lifespan stays, except where cancellation is ignored."""
    for probe in outcome.probes:
        assert probe.name not in outcome.abandoned or probe.ignores_limits
    for probe in outcome.left_open:
        assert probe.name in outcome.abandoned
        assert any(
            repr(probe.title) in line and "may still be open" in line
            for line in outcome.log
        ), outcome.log
    assert {*outcome.tasks_left} <= {
        f"lifespan {probe.title}"
        for probe in outcome.probes
        if probe.name in outcome.abandoned
    } | {f"health {p.name}" for p in outcome.probes if p.check_ignores_limits} | {
        f"lifespan {name}{part}"
        for name in outcome.abandoned_jobs
        for part in ("", " run", " supervisor")
    }
    assert outcome.threads_left == []
    assert outcome.loops_left == 0
    assert outcome.serving_left == 0
    assert outcome.closes_left == 0


def no_exception_is_lost(outcome: Outcome) -> None:
    assert outcome.problems == []
    assert outcome.unraisable == []


PROMISES = (
    everything_is_closed_once,
    dependencies_start_first,
    dependents_stop_first,
    stops_are_on_time,
    crashes_are_noticed,
    crashes_end_within_the_stop_limit,
    nothing_is_left,
    no_exception_is_lost,
)
