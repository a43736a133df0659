"""The memory of a resource that runs, and of a request that is in its view."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from statistics import median

from typing_extensions import Self

from . import peers, site
from .gathering import gathered
from .measuring import FULL, Effort
from .shapes import layered
from .tables import Column, Table

RESOURCES = 1_000
REQUESTS = 200
ROUNDS = 3

SERVING = (peers.BARE, "django-asgi-lifespan", peers.OURS)


def results(effort: Effort = FULL) -> Iterator[Table]:
    resources = asyncio.run(_of_resources(effort))
    yield Table(
        "memory-resources",
        "Memory of a resource while it runs",
        (Column(f"N = {effort.of(RESOURCES, 10):,}", "bytes each"),),
        {name: (figure,) for name, figure in resources.items()},
        baseline=peers.FLOOR,
    )
    requests = asyncio.run(_of_requests(effort))
    yield Table(
        "memory-requests",
        "Memory of a request while it is in its view",
        (Column("request", "bytes"),),
        {
            peers.PLAIN if name == peers.BARE else name: (figure,)
            for name, figure in requests.items()
        },
        baseline=peers.PLAIN,
    )


async def _of_resources(effort: Effort) -> dict[str, float]:
    shape = layered(effort.of(RESOURCES, 10), 1)
    figures: dict[str, float] = {}
    for name, module in peers.having("starting").items():
        starting = module.starting(shape, 0)
        async with starting():
            pass  # a first start leaves caches behind
        taken: list[int] = []
        for _ in range(effort.of(ROUNDS, 1)):
            with _Traced() as traced:
                async with starting():
                    taken.append(traced.now())
        figures[name] = median(taken) / len(shape)
    return figures


async def _of_requests(effort: Effort) -> dict[str, float]:
    count = effort.of(REQUESTS, 5)
    modules = peers.having("serving")
    figures: dict[str, float] = {}
    with site.on_this_site:
        for name in SERVING:
            if name not in modules:
                continue
            async with modules[name].serving() as ask:
                async with gathered(ask, count):
                    pass
                taken: list[int] = []
                for _ in range(effort.of(ROUNDS, 1)):
                    with _Traced() as traced:
                        async with gathered(ask, count):
                            taken.append(traced.now())
                figures[name] = median(taken) / count
    return figures


class _Traced:
    """The bytes that Python has allocated in the block, and not freed."""

    def __enter__(self) -> Self:
        gc.collect()
        tracemalloc.start()
        return self

    def now(self) -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    def __exit__(self, *_: object) -> None:
        tracemalloc.stop()
