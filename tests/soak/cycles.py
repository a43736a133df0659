"""A process that starts and stops an application many times."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import AsyncGenerator, Generator
from statistics import median
from typing import Final

from django_lifespan_typed import Registry, lifespan_resource, run_asgi_lifespan
from django_lifespan_typed.asgi import get_asgi_application

from .site.lines import BlockingLine, Line, dialled, dialled_in_thread
from .treatment import ROUNDS

HALF: Final = 3

CYCLES: Final = 20 * ROUNDS


def site(leaks: list[bytes] | None) -> Registry:
    registry = Registry()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[Line]:
        if leaks is not None:
            leaks.append(bytes(200))
        async with dialled("db") as line:
            yield line

    @lifespan_resource("till", needs=(db,), registry=registry)
    def till(_: Line) -> Generator[BlockingLine]:
        with dialled_in_thread("till") as line:
            yield line

    return registry


async def grown_in_cycles(leaks: list[bytes] | None) -> int:
    """
    The bytes by which memory grew, between the medians of the two halves of many
    cycles of one application.
    """
    application = get_asgi_application(site(leaks))
    readings: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(2 * HALF + 1):
            for _ in range(CYCLES):
                async with run_asgi_lifespan(application):
                    pass
            gc.collect()
            readings.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    _, *readings = readings
    return int(median(readings[HALF:]) - median(readings[:HALF]))


if __name__ == "__main__":
    leaks: list[bytes] | None = [] if "leak" in sys.argv else None
    print("grown by", asyncio.run(grown_in_cycles(leaks), debug=False))
