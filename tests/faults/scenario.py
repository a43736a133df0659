"""What may happen: resources and their faults, receivers, and what the server does."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import chain, combinations
from typing import Literal, TypeAlias

from hypothesis import strategies as st

LIMITS = {
    "START_TIMEOUT": 10.0,
    "STOP_TIMEOUT": 4.0,
    "STOP_BUDGET": 12.0,
    "CANCEL_TIMEOUT": 1.0,
    "REPORT_INTERVAL": 5.0,
}
"""``settings.LIFESPAN`` of every scenario, in virtual seconds."""


class Word(Enum):
    """Is printed as it is written."""

    def __repr__(self) -> str:
        return str(self)


class Shape(Word):
    """How a factory is written."""

    GENERATOR = "async generator"
    COROUTINE = "coroutine"
    CLASS = "async context manager class"
    RETURNING = "function that returns one"
    BLOCKING = "generator"


class Fault(Word):
    """What goes wrong in a start or a stop."""

    NONE = "nothing"
    RAISE = "an exception"
    EXIT = "SystemExit"
    INTERRUPT = "KeyboardInterrupt"
    CANCELLED = "CancelledError, though nobody cancels"
    CANCEL_ITSELF = "the task cancels itself"
    HANG = "hangs until it is cancelled"
    SWALLOW = "hangs until it is cancelled, and goes on"
    STUBBORN = "hangs, whoever cancels"
    # Of a start alone:
    WRONG_TYPE = "a value of another type than the key's"
    NEVER_YIELD = "no yield"
    # Of a stop alone:
    YIELD_TWICE = "another yield"


BLOCKING_FAULTS = (Fault.NONE, Fault.RAISE, Fault.EXIT, Fault.INTERRUPT)
COMMON_FAULTS = (*BLOCKING_FAULTS, *list(Fault)[4:9])


class Crash(Word):
    """How a resource dies while it is held."""

    CANCELLED = "its task is cancelled"
    ANYIO = "a child fails in an anyio task group"
    ASYNCIO = "a child fails in an asyncio task group"


@dataclass(frozen=True)
class Act:
    """A start or a stop: what it takes, in virtual seconds, and how it ends."""

    seconds: float | None = None
    """None: it does not even give way to others."""
    fault: Fault = Fault.NONE


@dataclass(frozen=True)
class Spec:
    """One resource; it needs the ones of these numbers, which are lower."""

    needs: tuple[int, ...] = ()
    shape: Shape = Shape.GENERATOR
    start: Act = Act()
    stop: Act = Act()
    crash: Crash = Crash.CANCELLED
    optional: bool = False


@dataclass(frozen=True)
class Receiver:
    """A receiver of one of the signals."""

    signal: Literal["asgi_lifespan", "asgi_startup", "asgi_shutdown"]
    act: Act = Act()
    blocking: bool = False


Step: TypeAlias = tuple[str, object]
"""
What the server, or a resource, does next: see ``machine.Server``.

``("message", type)``, ``("sleep", seconds)``, ``("turns", how many turns of the
loop)``, ``("settle", None)``: wait until the start is over; ``("request", None)``,
``("crash", number)``, ``("cancel", None)``: the lifespan's task; ``("cancel all",
None)``: every task of the loop; ``("clear state", None)``, ``("break", None)``:
receive raises; ``("break send", None)``: send raises.
"""

STARTUP: Step = ("message", "lifespan.startup")
SHUTDOWN: Step = ("message", "lifespan.shutdown")
SETTLE: Step = ("settle", None)
REQUEST: Step = ("request", None)
CANCEL: Step = ("cancel", None)
CANCEL_ALL: Step = ("cancel all", None)
CLEAR: Step = ("clear state", None)


@dataclass(frozen=True)
class Scenario:
    """One run; where it leaves the lifespan open, the server sends the shutdown."""

    specs: tuple[Spec, ...] = ()
    steps: tuple[Step, ...] = (STARTUP, SETTLE, SHUTDOWN)
    receivers: tuple[Receiver, ...] = ()
    has_state: bool = True


# --- Strategies

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
    if shape is Shape.GENERATOR:
        start = (*COMMON_FAULTS, Fault.WRONG_TYPE, Fault.NEVER_YIELD)
        return start, (*COMMON_FAULTS, Fault.YIELD_TWICE)
    return (*COMMON_FAULTS, Fault.WRONG_TYPE), COMMON_FAULTS


# Threads are the slowest.
SHAPES = [*list(Shape)[:4], *list(Shape)[:4], Shape.BLOCKING]
CRASHES = [*Crash] if sys.version_info >= (3, 11) else [*list(Crash)[:2]]
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
    most: int = field(default=30)


def specs(focus: Focus) -> st.SearchStrategy[tuple[Spec, ...]]:
    """A graph in which each may need any three of the ten before it."""
    one = st.one_of([_of_shape(shape, focus) for shape in SHAPES])
    few, many = (st.lists(one, min_size=1, max_size=most) for most in (5, focus.most))
    # One failure hides others: mostly there are few.
    return st.tuples(st.one_of(few, many), st.sampled_from([1, 1, 2, 99])).map(_placed)


def _of_shape(shape: Shape, focus: Focus) -> st.SearchStrategy[Spec]:
    start, stop = faults_of(shape)
    return st.builds(
        Spec,
        st.sampled_from(BACK),
        st.just(shape),
        acts(start, focus.start),
        acts(stop, focus.stop),
        st.sampled_from(CRASHES) if focus.serving else st.just(Crash.CANCELLED),
        st.booleans() if focus.optional else st.just(False),
    )


def _placed(drawn: tuple[list[Spec], int]) -> tuple[Spec, ...]:
    specs, most = drawn
    starts = stops = 0
    placed: list[Spec] = []
    for number, spec in enumerate(specs):
        starts += _fails(spec.start)
        stops += _fails(spec.stop)
        needs = tuple(number - back for back in spec.needs if back <= number)
        start = Act() if starts > most and _fails(spec.start) else spec.start
        stop = Act() if stops > most and _fails(spec.stop) else spec.stop
        placed.append(replace(spec, needs=needs, start=start, stop=stop))
    return tuple(placed)


def _fails(act: Act) -> bool:
    return act.fault is not Fault.NONE or act.seconds == 11.0


TIMES = st.one_of(
    st.tuples(st.just("sleep"), st.sampled_from([0.5, 1.0, 1.5, 5.0, 30.0])),
    st.tuples(st.just("turns"), st.integers(1, 8)),
)


def steps(focus: Focus) -> st.SearchStrategy[tuple[Step, ...]]:
    """A start, what happens then, and an end that may be long in coming."""
    some: list[st.SearchStrategy[Step]] = [TIMES, st.just(SETTLE), st.just(REQUEST)]
    crash: st.SearchStrategy[Step] = TIMES
    if focus.serving:
        crash = st.tuples(st.just("crash"), st.integers(0, 29))
        some += [st.just(CLEAR)]
    ending: list[st.SearchStrategy[Step]] = [st.just(SHUTDOWN)]
    opening: list[st.SearchStrategy[Step]] = [st.just(STARTUP)]
    if focus.server:
        odd = [CLEAR, CANCEL, CANCEL, CANCEL_ALL, ("break", None), ("break send", None)]
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
    if focus.serving:
        serving += [st.tuples(st.just(SETTLE), crash, TIMES)] * 2
    # Each a moment after the other: an end that is itself disturbed.
    after = st.tuples(TIMES, st.one_of(st.just(REQUEST), *ending))
    return st.tuples(
        st.one_of(opening).map(lambda step: (step,)),
        st.lists(st.one_of(serving), min_size=focus.serving, max_size=5).map(
            lambda parts: tuple(chain(*parts))
        ),
        st.one_of(ending).map(lambda step: (step,)),
        st.lists(after, max_size=3).map(lambda pairs: tuple(chain(*pairs))),
    ).map(lambda parts: tuple(chain(*parts)))


RECEIVERS = st.builds(
    Receiver,
    st.sampled_from(["asgi_lifespan", "asgi_startup", "asgi_shutdown"]),
    acts(COMMON_FAULTS[:-1], faulty=True),
) | st.builds(
    Receiver,
    st.sampled_from(["asgi_lifespan", "asgi_startup", "asgi_shutdown"]),
    st.builds(Act, st.none(), st.sampled_from(BLOCKING_FAULTS)),
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
    )


FAMILIES = {
    "quiet": scenarios(Focus()),
    "starts": scenarios(Focus(start=True)),
    "optional": scenarios(Focus(start=True, serving=True, optional=True)),
    "stops": scenarios(Focus(stop=True)),
    "serving": scenarios(Focus(serving=True, receivers=True)),
    "server": scenarios(Focus(server=True)),
    "all": scenarios(Focus(True, True, True, True, True, True)),
}
"""Scenarios by what goes wrong in them: together they find more, and sooner."""
