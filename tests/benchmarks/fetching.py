"""Looking up one resource in a view: what each library's documentation writes there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from itertools import repeat
from time import perf_counter
from types import ModuleType
from typing import Any, TypeAlias

from . import peers, site
from .gathering import Ask, gathered
from .measuring import Samples, turns
from .tables import Column, Table

ROUNDS = 15
REQUESTS = 200
AGAIN = 10_000
LEAST = 1.0  # ns

Fetch: TypeAlias = Callable[[Iterable[Any]], Awaitable[None]]
"""Evaluates an expression with each of these requests."""


def results(quick: bool) -> Iterator[Table]:
    """
    Once in each request, in order of arrival, and many times in one. The time of the
    loop is subtracted.
    """
    first, again = asyncio.run(_samples(quick))
    owners = {
        f"{name}: `{shown}`": name
        for name, module in peers.having("FETCHES").items()
        for shown in module.FETCHES
    }
    get_state = next(row for row, name in owners.items() if name == peers.OURS)
    yield Table(
        "fetching",
        "Looking up one resource in a view",
        (Column("first in a request", "ns"), Column("again in it", "ns")),
        {
            row: tuple(
                # Less is noise.
                max(samples.difference(row, "loop") * 1e9, LEAST)
                for samples in (first, again)
            )
            for row in owners
        },
        baseline=get_state,
        library=owners,
        ours=get_state,
    )


async def _samples(quick: bool) -> tuple[Samples, Samples]:
    requests, times = 5 if quick else REQUESTS, 100 if quick else AGAIN
    first, again = Samples(), Samples()
    cases: dict[str, tuple[Ask, Fetch]] = {}
    with site.on_this_site:
        async with AsyncExitStack() as stack:
            for name, module in peers.having("FETCHES").items():
                ask = await stack.enter_async_context(module.serving())
                cases.setdefault("loop", (ask, _compiled("pass", module)))
                for shown, expression in module.FETCHES.items():
                    cases[f"{name}: `{shown}`"] = ask, _compiled(expression, module)
            for name in turns(cases, 1 if quick else ROUNDS):
                ask, fetch = cases[name]
                async with gathered(ask, requests) as held:
                    await fetch(held[:1])  # fills the caches of types
                    rest = held[1:]
                    first.add(name, await _seconds(fetch, rest) / len(rest))
                    again.add(
                        name, await _seconds(fetch, repeat(held[0], times)) / times
                    )
    return first, again


def _compiled(expression: str, module: ModuleType) -> Fetch:
    lines = ("async def fetch(requests):", "for request in requests:", expression)
    source = "\n".join(" " * indent + line for indent, line in enumerate(lines))
    names = dict(vars(module))
    exec(source, names)
    fetch: Fetch = names["fetch"]
    return fetch


async def _seconds(fetch: Fetch, requests: Iterable[Any]) -> float:
    began = perf_counter()
    await fetch(requests)
    return perf_counter() - began
