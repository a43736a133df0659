"""The memory of a running resource, and of a request that is in its view."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from statistics import median

from . import peers, site
from .gathering import gathered
from .shapes import layered
from .tables import Column, Table

RESOURCES = 1_000
REQUESTS = 200
ROUNDS = 3


def results(quick: bool) -> Iterator[Table]:
    rounds = 1 if quick else ROUNDS
    resources = 10 if quick else RESOURCES
    yield Table(
        "memory-resources",
        "Memory of a resource while it runs",
        (Column(f"N = {resources:,}", "bytes each"),),
        asyncio.run(_of_resources(resources, rounds)),
        baseline=peers.FLOOR,
    )
    yield Table(
        "memory-requests",
        "Memory of a request while it is in its view",
        (Column("request", "bytes"),),
        asyncio.run(_of_requests(5 if quick else REQUESTS, rounds)),
        baseline=peers.PLAIN,
    )


async def _of_resources(count: int, rounds: int) -> dict[str, tuple[float]]:
    shape = layered(count, 1)
    return {
        name: (await _allocated(module.starting(shape, 0), rounds) / count,)
        for name, module in peers.having("starting").items()
    }


async def _of_requests(count: int, rounds: int) -> dict[str, tuple[float]]:
    figures: dict[str, tuple[float]] = {}
    with site.on_this_site:
        for name, peer in peers.django_sites().items():
            async with peer.serving() as ask:
                allocated = await _allocated(partial(gathered, ask, count), rounds)
            figures[name] = (allocated / count,)
    return figures


async def _allocated(
    enter: Callable[[], AbstractAsyncContextManager[object]], rounds: int
) -> float:
    """The bytes that Python allocates for what *enter* opens: the median."""
    async with enter():
        pass  # a first time leaves caches behind
    taken: list[int] = []
    for _ in range(rounds):
        gc.collect()
        tracemalloc.start()
        try:
            async with enter():
                gc.collect()
                taken.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    return median(taken)
