"""A process that starts and stops an application many times; with "leak", it leaks."""

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
LIFESPANS: Final = CYCLES * (2 * HALF + 1)

registry = Registry()
leaks: list[bytes] = []


@lifespan_resource("db", registry=registry)
async def db() -> AsyncGenerator[Line]:
    if "leak" in sys.argv:
        leaks.append(bytes(200))
    async with dialled("db") as line:
        yield line


@lifespan_resource("till", needs=(db,), registry=registry)
def till(_: Line) -> Generator[BlockingLine]:
    with dialled_in_thread("till") as line:
        yield line


async def growth() -> int:
    """The bytes between the medians of the first and the second half of the cycles."""
    application = get_asgi_application(registry)
    readings: list[int] = []
    tracemalloc.start()
    for _ in range(1 + 2 * HALF):
        for _ in range(CYCLES):
            async with run_asgi_lifespan(application):
                pass
        gc.collect()
        readings.append(tracemalloc.get_traced_memory()[0])
    _, *readings = readings
    return int(median(readings[HALF:]) - median(readings[:HALF]))


if __name__ == "__main__":
    print("grown by", asyncio.run(growth(), debug=False))
