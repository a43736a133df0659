"""``get_state(request, KEY)`` against ``request.state["number"]`` on a dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from timeit import Timer
from typing import Any

from django_lifespan_typed import LifespanState, get_state
from django_lifespan_typed._runtime.state import RequestValues

from . import site
from .gathering import asker, gathered
from .measuring import Result, Samples, turns
from .site import NUMBER

BOUND = 2.0
REPEATS = 50_000
ROUNDS = 60

EXPRESSIONS = {
    "loop": "pass",
    "bare": "request.state['number']",
    "get_state": "get_state(request, KEY)",
    "empty call": "empty_call(request, KEY)",
    "LifespanState": "wrapped['number']",
    "bare view": "bare_view(request)",
    "get_state view": "get_state_view(request)",
}

# Title, expression, expression to compare with, expression to subtract, bound.
COMPARISONS = (
    ("get_state in an empty view", "get_state view", "bare view", None, BOUND),
    ("get_state in a loop", "get_state", "bare", None, BOUND),
    (
        "get_state in a loop, without the time of the loop",
        "get_state",
        "bare",
        "loop",
        BOUND,
    ),
    ("for comparison: a call that does nothing", "empty call", "bare", None, None),
    ("for comparison: LifespanState['number']", "LifespanState", "bare", None, None),
)


def bare_view(request: Any) -> object:
    return request.state["number"]


def get_state_view(request: Any) -> object:
    return get_state(request, NUMBER)


def empty_call(source: object, key: object, default: object = None, /) -> None:
    """A function of the same signature that does nothing."""


def results(quick: bool) -> Iterator[Result]:
    """
    Twice: Python 3.11 and 3.12 read attributes of a request more slowly once Django has
    cached something on it, as its CSRF middleware does.
    """
    for after, middleware in (
        ("the usual middleware", site.USUAL),
        ("no middleware", [site.IDLE]),
    ):
        request = asyncio.run(_request_after(middleware))
        samples = _samples(request, 1 if quick else ROUNDS)
        for title, name, to, less, bound in COMPARISONS:
            one, other = (samples.best(each) / REPEATS * 1e9 for each in (name, to))
            yield Result(
                f"{title}, after {after}",
                samples.ratio(name, to, less=less),
                "x bare",
                bound,
                f"best {one:.0f} ns to {other:.0f} ns",
            )


def _samples(request: Any, rounds: int) -> Samples:
    names = {
        **globals(),
        "request": request,
        "wrapped": LifespanState(request.state),
        "KEY": NUMBER,
    }
    samples = Samples()
    for name in turns(EXPRESSIONS, rounds):
        samples.add(name, Timer(EXPRESSIONS[name], globals=names).timeit(REPEATS))
    return samples


async def _request_after(middleware: Sequence[str]) -> Any:
    """A request as a view gets it; ``request.state`` is a plain dictionary."""
    state = {"other": 0, NUMBER.name: 1}
    ask = asker(site.plain_handler(middleware), state, "/hold/")
    with site.on_this_site:
        async with gathered(ask, 1) as (request,):
            request.state = state
    # As our handler leaves it; without a loop, since the timer is sync code.
    request.scope["state"] = values = RequestValues(state)
    values.loop = None
    return request
