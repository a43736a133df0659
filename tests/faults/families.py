"""Families: Hypothesis strategies for scenarios, by what goes wrong in them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from typing import Any

from hypothesis import strategies as st

from . import scenario as s
from .scenario import (
    Act,
    Check,
    Crash,
    Fault,
    Hold,
    Job,
    Receiver,
    Scenario,
    Shape,
    Spec,
    Step,
)

# Few draws, from strategies that are built once: otherwise Hypothesis takes most of the
# time.

SECONDS = (None, 0.0, 0.5, 1.0, 1.5, 3.0)
LONG = 11.0
"""Seconds beyond every limit."""
# Threads are the slowest.
SHAPES = [*list(Shape)[:3], *list(Shape)[:3], Shape.BLOCKING]
CRASHES = [*Crash] if sys.version_info >= (3, 11) else [*list(Crash)[:2]]
# Never as long as an act, or as two of them.
OWN_LIMITS = (None, None, 0.7, 2.3, float("inf"))
BUDGETS = (s.LIMITS["STOP_BUDGET"], 2.1, 0.6)
# The distances from a resource to its dependencies.
BACK = [back for most in range(4) for back in combinations(range(1, 11), most)]


@dataclass(frozen=True)
class Focus:
    """The kinds of faults in a family."""

    start: bool = False
    stop: bool = False
    serving: bool = False
    receivers: bool = False
    server: bool = False
    optional: bool = False
    managers: bool = False
    limits: bool = False
    health: bool = False
    late: bool = False
    jobs: bool = False


# --- Resources


def acts(faults: tuple[Fault, ...], faulty: bool) -> st.SearchStrategy[Act]:
    """Mostly acts without a fault: one fault is enough to end a run."""
    quiet = [Act(seconds) for seconds in SECONDS]
    if not faulty:
        return st.sampled_from(quiet)
    wrong = [Act(seconds, fault) for fault in faults for seconds in SECONDS]
    return st.one_of(
        *[st.sampled_from(quiet)] * 3,
        st.sampled_from([*wrong, Act(LONG), Act(LONG)]),
    )


def faults_of(shape: Shape) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Return the possible faults at startup and at shutdown."""
    common = s.BLOCKING_FAULTS if shape is Shape.BLOCKING else s.COMMON_FAULTS
    start, stop = (*common, Fault.WRONG_TYPE), common
    if shape in {Shape.GENERATOR, Shape.BLOCKING, *s.MANAGERS}:
        start = (*start, Fault.NEVER_YIELD)
    if shape in {Shape.GENERATOR, Shape.BLOCKING}:
        stop = (*stop, Fault.YIELD_TWICE)
    return start, (Fault.NONE,) if shape is Shape.COROUTINE else stop


# As many checks fail as pass: a failing check ends no run.
CHECKED = [Act(seconds) for seconds in (*SECONDS, LONG)] * 2
FAULTS = (*s.COMMON_FAULTS, Fault.FALSE)
FAULTS_IN_THREAD = (*s.BLOCKING_FAULTS, Fault.FALSE)
CHECKS = [
    *[None] * 30,
    *[Check(Act(fault=Fault.STUBBORN)), Check(Act(LONG), blocking=True)] * 4,
    *[Check(act) for act in CHECKED],
    *[Check(Act(*how)) for how in product((None, 1.0), FAULTS)],
    *[Check(act, True) for act in CHECKED],
    *[Check(Act(*how), True) for how in product((None, 3.0), FAULTS_IN_THREAD)],
]


def specs(focus: Focus) -> st.SearchStrategy[tuple[Spec, ...]]:
    """Graphs whose resources depend on up to three of the ten before them."""
    shapes = SHAPES + [*s.MANAGERS, *s.MANAGERS] * focus.managers
    one = st.one_of([_of_shape(shape, focus) for shape in shapes])
    few, many = (st.lists(one, min_size=1, max_size=most) for most in (5, 30))
    # One failure hides others: mostly there are few.
    return st.tuples(st.one_of(few, many), st.sampled_from([1, 1, 2, 99])).map(possible)


def _of_shape(shape: Shape, focus: Focus) -> st.SearchStrategy[Spec]:
    start, stop = faults_of(shape)
    has_options = shape not in s.MANAGERS
    limits = OWN_LIMITS if focus.limits and has_options else OWN_LIMITS[:1]
    return st.builds(
        Spec,
        st.sampled_from(BACK),
        st.just(shape),
        acts(start, focus.start),
        acts(stop, focus.stop),
        st.sampled_from(CRASHES if focus.serving else CRASHES[:1]),
        st.booleans() if focus.optional and has_options else st.just(False),
        st.sampled_from(limits),
        st.sampled_from(limits),
        st.sampled_from(CHECKS if focus.health and has_options else [None]),
    )


def possible(drawn: tuple[list[Spec], int]) -> tuple[Spec, ...]:
    """Turn distances into numbers, and remove excessive and impossible faults."""
    specs, most = drawn
    starts = stops = 0
    result: list[Spec] = []
    for number, spec in enumerate(specs):
        starts += _fails(spec.start)
        stops += _fails(spec.stop)
        needs = tuple(
            number - back
            for back in spec.needs
            # Managers have no dependencies and no dependents.
            if back <= number
            and spec.shape not in s.MANAGERS
            and specs[number - back].shape not in s.MANAGERS
        )
        start = Act() if starts > most and _fails(spec.start) else spec.start
        stop = Act() if stops > most and _fails(spec.stop) else spec.stop
        # Without a limit it would hang forever. A refused value is part of a startup.
        refused = start.fault is Fault.WRONG_TYPE and stop.fault in s.HANGS
        hangs = start.fault in s.HANGS or refused
        forever = hangs and spec.start_limit == float("inf")
        # anyio would spin: it cancels until its scope is left.
        is_stubborn = Fault.STUBBORN in {start.fault, stop.fault}
        spins = spec.crash is Crash.ANYIO and is_stubborn
        result.append(
            replace(
                spec,
                needs=needs,
                start=start,
                stop=stop,
                crash=Crash.CANCELLED if spins else spec.crash,
                start_limit=None if forever else spec.start_limit,
            )
        )
    return tuple(result)


def _fails(act: Act) -> bool:
    return act.fault is not Fault.NONE or act.seconds == LONG


# --- Background tasks

RUNS = acts(s.COMMON_FAULTS, faulty=True)
ENGINE = acts((Fault.RAISE, Fault.HANG), faulty=True)
JOBS = st.builds(
    Job,
    st.lists(st.integers(0, 9), max_size=2).map(tuple),
    st.lists(RUNS, min_size=1, max_size=3).map(tuple),
    acts((Fault.RAISE, Fault.HANG, Fault.STUBBORN), faulty=True),
    st.sampled_from(["on_failure", "always", "never"]),
    st.sampled_from([None, None, 2.0, 7.0]),
    st.none() | st.builds(Hold, ENGINE, ENGINE),
)


# --- Steps

TIMES = st.one_of(
    st.tuples(st.just("sleep"), st.sampled_from([0.5, 1.0, 1.5, 5.0, 30.0])),
    st.tuples(st.just("turns"), st.integers(1, 8)),
)
CANCELS = [s.CANCEL, s.CANCEL_ALL, s.CANCEL_ALL_BACK]
ODD: list[Step] = [s.CLEAR, s.CANCEL, *CANCELS, ("break", None), ("break send", None)]
MESSAGES = st.tuples(
    st.just("message"),
    st.sampled_from(["lifespan.startup", "lifespan.shutdown"])
    | st.sampled_from(
        ["lifespan.odd", "http.request", "lifespan.startup.complete", ""]
    ),
)


def joined(parts: Any) -> tuple[Step, ...]:
    return tuple(chain(*parts))


def begun(parts: Any) -> tuple[Step, ...]:
    return (s.STARTUP, *joined(parts))


def steps(focus: Focus) -> st.SearchStrategy[tuple[Step, ...]]:
    """Draw a startup, events while serving, and an end that may be disturbed."""
    some: list[st.SearchStrategy[Step]] = [TIMES, st.just(s.SETTLE), st.just(s.REQUEST)]
    ending: list[st.SearchStrategy[Step]] = [st.just(s.SHUTDOWN)]
    opening: list[st.SearchStrategy[Step]] = [st.just(s.STARTUP)]
    if focus.health:
        some += [st.just(s.HEALTH)] * 4
    if focus.jobs:
        some += [st.tuples(st.just("lose"), st.integers(0, 2))] * 3
    if focus.late:
        opening += [st.just(s.REQUEST)]
    if focus.serving:
        some += [st.just(s.CLEAR)]
    if focus.server:
        some += [st.sampled_from(ODD)]
        ending += [MESSAGES, st.just(s.CANCEL), st.just(s.CANCEL), st.sampled_from(ODD)]
        opening += [st.just(s.STARTUP)] * 6 + [MESSAGES, TIMES]
    serving: list[st.SearchStrategy[Any]] = [st.tuples(st.one_of(some))]
    if focus.health:
        polls = st.tuples(
            st.just(s.SETTLE), st.just(s.HEALTH), TIMES, st.just(s.HEALTH)
        )
        serving += [polls] * 2
    if focus.serving:
        crash = st.tuples(st.just("crash"), st.integers(0, 29))
        serving += [st.tuples(st.just(s.SETTLE), crash, TIMES)] * 2
        serving += [st.tuples(TIMES, crash)]
    late = [st.just(s.REQUEST)] + [st.just(s.HEALTH)] * focus.health
    after = st.tuples(TIMES, st.one_of(*late, *ending))
    return st.tuples(
        st.tuples(st.one_of(opening)),
        st.lists(st.one_of(serving), min_size=focus.serving, max_size=5).map(joined),
        st.tuples(st.one_of(ending)),
        st.lists(after, max_size=3).map(joined),
    ).map(joined)


# --- Scenarios

SIGNALS = st.sampled_from(["asgi_lifespan", "asgi_startup", "asgi_shutdown"])
# Django lets SystemExit and KeyboardInterrupt of a receiver end the loop.
RECEIVER_FAULTS = (Fault.NONE, Fault.RAISE, Fault.HANG, Fault.SWALLOW)
RECEIVERS = st.builds(
    Receiver, SIGNALS, acts(RECEIVER_FAULTS, faulty=True)
) | st.builds(
    Receiver,
    SIGNALS,
    st.builds(Act, st.none(), st.sampled_from(RECEIVER_FAULTS[:2])),
    st.just(True),
)


def scenarios(focus: Focus) -> st.SearchStrategy[Scenario]:
    receivers = st.lists(RECEIVERS, max_size=3).map(tuple)
    return st.builds(
        Scenario,
        specs(focus),
        steps(focus),
        receivers if focus.receivers else st.just(()),
        st.booleans() if focus.server else st.just(True),
        st.sampled_from(BUDGETS) if focus.limits else st.just(BUDGETS[0]),
        st.just(focus.late),
        st.lists(JOBS, min_size=1, max_size=3).map(tuple)
        if focus.jobs
        else st.just(()),
    )


def budgets() -> st.SearchStrategy[Scenario]:
    """Shutdowns whose receivers use a part of the budget."""
    slow = [(Receiver("asgi_shutdown", Act(seconds)),) for seconds in (0.5, 1.5, 3.0)]
    return st.builds(
        Scenario,
        specs(Focus(stop=True, limits=True)),
        receivers=st.sampled_from(slow),
        budget=st.sampled_from(BUDGETS[1:]),
    )


def cancelled_signals() -> st.SearchStrategy[Scenario]:
    """One or more cancellations while receivers are called."""
    slow = (Receiver("asgi_startup", Act(3.0)), Receiver("asgi_shutdown", Act(3.0)))
    end = st.tuples(TIMES, st.sampled_from(CANCELS))
    return st.builds(
        Scenario,
        specs(Focus()),
        st.lists(end, min_size=1, max_size=3).map(begun),
        st.sampled_from([slow, slow[:1], slow[1:]]),
        late=st.booleans(),
    )


def polled() -> st.SearchStrategy[Scenario]:
    """Health checks from the startup to its failure or to the end."""
    poll = st.tuples(st.one_of(TIMES, st.just(("sleep", 5.0))), st.just(s.HEALTH))
    return st.builds(
        Scenario,
        st.one_of([specs(Focus(start=start, health=True)) for start in (True, False)]),
        st.lists(poll, min_size=2, max_size=6).map(begun),
    )


FAMILIES = {
    "quiet": scenarios(Focus(managers=True)),
    "starts": scenarios(Focus(start=True, health=True)),
    "optional": scenarios(Focus(start=True, serving=True, optional=True)),
    "stops": scenarios(Focus(stop=True)),
    "serving": scenarios(Focus(stop=True, serving=True, receivers=True)),
    "server": scenarios(Focus(server=True, receivers=True)),
    "managers": scenarios(Focus(True, True, managers=True)),
    "limits": scenarios(Focus(True, True, receivers=True, limits=True)),
    "health": scenarios(Focus(serving=True, health=True)),
    "budgets": budgets(),
    "cancelled signals": cancelled_signals(),
    "polled": polled(),
    "tasks": scenarios(Focus(jobs=True)),
    "late tasks": scenarios(Focus(jobs=True, late=True)),
    "tasks and all": scenarios(Focus(True, True, True, server=True, jobs=True)),
    "late": scenarios(Focus(server=True, late=True)),
    "late and all": scenarios(Focus(*[True] * 10)),
    "all": scenarios(Focus(*[True] * 9)),
}
"""Together they find more than one family of everything, and sooner."""
