"""Strategies: which scenarios are tried."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from itertools import chain, combinations, product

from hypothesis import strategies as st

from .scenario import (
    BLOCKING_FAULTS,
    CANCEL,
    CANCEL_ALL,
    CANCEL_ALL_BACK,
    CLEAR,
    COMMON_FAULTS,
    HANGS,
    HEALTH,
    LIMITS,
    MANAGERS,
    REQUEST,
    SETTLE,
    SHUTDOWN,
    STARTUP,
    Act,
    Check,
    Crash,
    Fault,
    Receiver,
    Scenario,
    Shape,
    Spec,
    Step,
)

# Few draws, of strategies that are made once: Hypothesis is most of the time else.

SECONDS = (None, 0.0, 0.5, 1.0, 1.5, 3.0)


def acts(faults: tuple[Fault, ...], faulty: bool) -> st.SearchStrategy[Act]:
    """Mostly none of *faults*: one is enough to end a run."""
    quiet = [Act(seconds) for seconds in SECONDS]
    if not faulty:
        return st.sampled_from(quiet)
    wrong = [Act(seconds, fault) for fault in faults for seconds in SECONDS]
    # Eleven seconds are longer than any limit.
    return st.one_of(
        *[st.sampled_from(quiet)] * 3, st.sampled_from([*wrong, Act(11.0), Act(11.0)])
    )


def faults_of(shape: Shape) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Those that a start, and those that a stop, of *shape* can have."""
    if shape is Shape.BLOCKING:
        start = (*BLOCKING_FAULTS, Fault.WRONG_TYPE, Fault.NEVER_YIELD)
        return start, (*BLOCKING_FAULTS, Fault.YIELD_TWICE)
    if shape is Shape.COROUTINE:
        return (*COMMON_FAULTS, Fault.WRONG_TYPE), (Fault.NONE,)
    if shape in MANAGERS:
        return (*COMMON_FAULTS, Fault.WRONG_TYPE, Fault.NEVER_YIELD), COMMON_FAULTS
    if shape is Shape.GENERATOR:
        start = (*COMMON_FAULTS, Fault.WRONG_TYPE, Fault.NEVER_YIELD)
        return start, (*COMMON_FAULTS, Fault.YIELD_TWICE)
    return (*COMMON_FAULTS, Fault.WRONG_TYPE), COMMON_FAULTS


# Threads are the slowest.
SHAPES = [*list(Shape)[:4], *list(Shape)[:4], Shape.BLOCKING]
CRASHES = [*Crash] if sys.version_info >= (3, 11) else [*list(Crash)[:2]]
# None is the setting's; never as long as anything takes here, or as two of them.
OWN_LIMITS = (None, None, 0.7, 2.3, float("inf"))
BUDGETS = (LIMITS["STOP_BUDGET"], 2.1, 0.6)
# How many places before it are those that a resource needs.
BACK = [back for most in range(4) for back in combinations(range(1, 11), most)]


@dataclass(frozen=True)
class Focus:
    """Which faults a family of scenarios has."""

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
    most: int = field(default=30)


def specs(focus: Focus) -> st.SearchStrategy[tuple[Spec, ...]]:
    """A graph in which each may need any three of the ten before it."""
    shapes = SHAPES + [*MANAGERS, *MANAGERS] * focus.managers
    one = st.one_of([_of_shape(shape, focus) for shape in shapes])
    few, many = (st.lists(one, min_size=1, max_size=most) for most in (5, focus.most))
    # One failure hides others: mostly there are few.
    return st.tuples(st.one_of(few, many), st.sampled_from([1, 1, 2, 99])).map(_placed)


def _of_shape(shape: Shape, focus: Focus) -> st.SearchStrategy[Spec]:
    start, stop = faults_of(shape)
    limits = OWN_LIMITS if focus.limits and shape not in MANAGERS else OWN_LIMITS[:1]
    return st.builds(
        Spec,
        st.sampled_from(BACK),
        st.just(shape),
        acts(start, focus.start),
        acts(stop, focus.stop),
        st.sampled_from(CRASHES) if focus.serving else st.just(Crash.CANCELLED),
        st.booleans() if focus.optional and shape not in MANAGERS else st.just(False),
        st.sampled_from(limits),
        st.sampled_from(limits),
        CHECKS if focus.health and shape not in MANAGERS else st.none(),
    )


def _placed(drawn: tuple[list[Spec], int]) -> tuple[Spec, ...]:
    specs, most = drawn
    starts = stops = 0
    placed: list[Spec] = []
    for number, spec in enumerate(specs):
        starts += _fails(spec.start)
        stops += _fails(spec.stop)
        needs = tuple(
            number - back
            for back in spec.needs
            # Nobody can need a manager, and it needs nobody.
            if back <= number
            and spec.shape not in MANAGERS
            and specs[number - back].shape not in MANAGERS
        )
        start = Act() if starts > most and _fails(spec.start) else spec.start
        stop = Act() if stops > most and _fails(spec.stop) else spec.stop
        # It would hang for ever, as it was told to: a refused value is part of a start.
        refused = start.fault is Fault.WRONG_TYPE and stop.fault in HANGS
        hangs = start.fault in HANGS or refused
        for_ever = hangs and spec.start_limit == float("inf")
        limit = None if for_ever else spec.start_limit
        # anyio would have it spin: it cancels until its scope is left.
        stubborn = Fault.STUBBORN in {start.fault, stop.fault}
        spins = spec.crash is Crash.ANYIO and stubborn
        crash = Crash.CANCELLED if spins else spec.crash
        placed.append(
            replace(
                spec,
                needs=needs,
                start=start,
                stop=stop,
                crash=crash,
                start_limit=limit,
            )
        )
    return tuple(placed)


def _fails(act: Act) -> bool:
    return act.fault is not Fault.NONE or act.seconds == 11.0


# As many fail as do not: none ends a run. Eleven seconds are longer than any limit.
FAULTY_CHECKS = [
    Act(seconds, fault)
    for seconds, fault in product((None, 1.0), (*COMMON_FAULTS, Fault.FALSE))
]
BLOCKING_CHECKS = [
    Act(seconds, fault)
    for seconds, fault in product((None, 3.0), (*BLOCKING_FAULTS, Fault.FALSE))
]
QUIET_CHECKS = [Act(seconds) for seconds in (*SECONDS, 11.0)] * 2
CHECKS = st.sampled_from(
    [
        *[None] * 30,
        *[Check(Act(fault=Fault.STUBBORN)), Check(Act(11.0), blocking=True)] * 4,
        *[Check(act) for act in (*QUIET_CHECKS, *FAULTY_CHECKS)],
        *[Check(act, blocking=True) for act in (*QUIET_CHECKS, *BLOCKING_CHECKS)],
    ]
)

TIMES = st.one_of(
    st.tuples(st.just("sleep"), st.sampled_from([0.5, 1.0, 1.5, 5.0, 30.0])),
    st.tuples(st.just("turns"), st.integers(1, 8)),
)


def steps(focus: Focus) -> st.SearchStrategy[tuple[Step, ...]]:
    """A start, what happens then, and an end that may be long in coming."""
    some: list[st.SearchStrategy[Step]] = [TIMES, st.just(SETTLE), st.just(REQUEST)]
    ending: list[st.SearchStrategy[Step]] = [st.just(SHUTDOWN)]
    opening: list[st.SearchStrategy[Step]] = [st.just(STARTUP)]
    crash: st.SearchStrategy[Step] = TIMES
    if focus.health:
        some += [st.just(HEALTH)] * 4
    if focus.late:
        opening += [st.just(REQUEST)]
    if focus.serving:
        crash = st.tuples(st.just("crash"), st.integers(0, 29))
        some += [st.just(CLEAR)]
    if focus.server:
        odd = [CLEAR, CANCEL, CANCEL, CANCEL_ALL, CANCEL_ALL_BACK]
        odd += [("break", None), ("break send", None)]
        words = [
            "lifespan.startup",
            "lifespan.shutdown",
            "lifespan.odd",
            "http.request",
        ]
        messages: st.SearchStrategy[Step] = st.tuples(
            st.just("message"), st.sampled_from(words)
        )
        some += [st.sampled_from(odd)]
        ending += [messages, st.just(CANCEL), st.just(CANCEL), st.sampled_from(odd)]
        opening += [st.just(STARTUP)] * 6 + [messages, TIMES]
    serving = [st.one_of(some).map(lambda step: (step,))]
    if focus.health:
        polls = st.tuples(st.just(SETTLE), st.just(HEALTH), TIMES, st.just(HEALTH))
        serving += [polls] * 2
    if focus.serving:
        serving += [st.tuples(st.just(SETTLE), crash, TIMES)] * 2
        serving += [st.tuples(TIMES, crash)]
    # Each a moment after the other: an end that is itself disturbed.
    late = [st.just(REQUEST)] + [st.just(HEALTH)] * focus.health
    after = st.tuples(TIMES, st.one_of(*late, *ending))
    return st.tuples(
        st.one_of(opening).map(lambda step: (step,)),
        st.lists(st.one_of(serving), min_size=focus.serving, max_size=5).map(
            lambda parts: tuple(chain(*parts))
        ),
        st.one_of(ending).map(lambda step: (step,)),
        st.lists(after, max_size=3).map(lambda pairs: tuple(chain(*pairs))),
    ).map(lambda parts: tuple(chain(*parts)))


# Django's dispatch lets SystemExit and KeyboardInterrupt of a receiver end the loop.
RECEIVER_FAULTS = (Fault.NONE, Fault.RAISE, Fault.HANG, Fault.SWALLOW)
RECEIVERS = st.builds(
    Receiver,
    st.sampled_from(["asgi_lifespan", "asgi_startup", "asgi_shutdown"]),
    acts(RECEIVER_FAULTS, faulty=True),
) | st.builds(
    Receiver,
    st.sampled_from(["asgi_lifespan", "asgi_startup", "asgi_shutdown"]),
    st.builds(Act, st.none(), st.sampled_from(BLOCKING_FAULTS[:2])),
    st.just(True),
)


def scenarios(focus: Focus) -> st.SearchStrategy[Scenario]:
    """Any run of that focus."""
    receivers = st.lists(RECEIVERS, max_size=3).map(tuple)
    return st.builds(
        Scenario,
        specs(focus),
        steps(focus),
        receivers if focus.receivers else st.just(()),
        st.booleans() if focus.server else st.just(True),
        st.sampled_from(BUDGETS) if focus.limits else st.just(BUDGETS[0]),
        st.just(focus.late),
    )


def budgets() -> st.SearchStrategy[Scenario]:
    """What is left for the stops when receivers have had their part."""
    slow = [(Receiver("asgi_shutdown", Act(seconds)),) for seconds in (0.5, 1.5, 3.0)]
    return st.builds(
        Scenario,
        specs(Focus(stop=True, limits=True)),
        st.just((STARTUP, SETTLE, SHUTDOWN)),
        st.sampled_from(slow),
        budget=st.sampled_from(BUDGETS[1:]),
    )


def cancelled_signals() -> st.SearchStrategy[Scenario]:
    """Ends, and ends of ends, while receivers are called."""
    slow = (Receiver("asgi_startup", Act(3.0)), Receiver("asgi_shutdown", Act(3.0)))
    end = st.tuples(TIMES, st.sampled_from([CANCEL, CANCEL_ALL, CANCEL_ALL_BACK]))
    ends = st.lists(end, min_size=1, max_size=3)
    return st.builds(
        Scenario,
        specs(Focus()),
        ends.map(lambda parts: (STARTUP, *chain(*parts))),
        st.sampled_from([slow, slow[:1], slow[1:]]),
        late=st.booleans(),
    )


def probes() -> st.SearchStrategy[Scenario]:
    """Health is asked for all the time, from the start to its failure or the end."""
    times = st.one_of(TIMES, st.just(("sleep", 5.0)))
    asked = st.lists(times.map(lambda time: (time, HEALTH)), min_size=2, max_size=6)
    return st.builds(
        Scenario,
        st.one_of([specs(Focus(start=start, health=True)) for start in (True, False)]),
        asked.map(lambda parts: (STARTUP, *chain(*parts))),
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
    "probes": probes(),
    "late": scenarios(Focus(server=True, late=True)),
    "late and all": scenarios(Focus(*[True] * 10)),
    "all": scenarios(Focus(*[True] * 9)),
}
"""Scenarios by what goes wrong in them: together they find more, and sooner."""
