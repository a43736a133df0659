"""Fetching one resource in a view: what each library's documentation writes there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from itertools import repeat
from time import perf_counter
from typing import Any

from . import peers, site
from .gathering import gathered
from .measuring import FULL, Effort, Samples, turns
from .tables import Column, Table

ROUNDS = 15
REQUESTS = 200
AGAIN = 10_000
LEAST = 1.0  # ns


def results(effort: Effort = FULL) -> Iterator[Table]:
    """
    Once in each request, in order of arrival, and many times in one. The time of the
    loop is subtracted.
    """
    first, again = asyncio.run(_samples(effort))
    requests, times = effort.of(REQUESTS, 5), effort.of(AGAIN, 100)
    owners = {
        f"{name}: `{expression}`": name
        for name, module in peers.having("FETCHES").items()
        for expression in module.FETCHES
    }
    get_state = next(row for row, name in owners.items() if name == peers.OURS)
    yield Table(
        "fetching",
        "Fetching one resource in a view",
        (Column("first in a request", "ns"), Column("again in it", "ns")),
        {
            row: (
                # Less is noise.
                max(first.difference(row, "loop") / requests * 1e9, LEAST),
                max(again.difference(row, "loop") / times * 1e9, LEAST),
            )
            for row in owners
        },
        baseline=get_state,
        library=owners,
        ours=get_state,
    )


async def _samples(effort: Effort) -> tuple[Samples, Samples]:
    requests, times = effort.of(REQUESTS, 5), effort.of(AGAIN, 100)
    first, again = Samples(), Samples()
    with site.on_this_site:
        async with AsyncExitStack() as stack:
            cases: dict[str, Any] = {}
            for name, module in peers.having("FETCHES").items():
                ask = await stack.enter_async_context(module.serving())
                for expression, fetch in module.FETCHES.items():
                    cases[f"{name}: `{expression}`"] = (ask, fetch)
            bare, _ = cases[next(iter(cases))]
            cases["loop"] = (bare, _nothing)
            for name in turns(cases, effort.of(ROUNDS, 1)):
                ask, fetch = cases[name]
                async with gathered(ask, requests) as held:
                    await fetch(held[:1])  # compiles, and fills the caches of types
                    first.add(
                        name, await _seconds(fetch, held[1:]) * requests / len(held[1:])
                    )
                    again.add(name, await _seconds(fetch, repeat(held[0], times)))
    return first, again


async def _nothing(requests: Iterable[Any]) -> None:
    for _request in requests:
        pass


async def _seconds(fetch: Any, requests: Iterable[Any]) -> float:
    began = perf_counter()
    await fetch(requests)
    return perf_counter() - began
