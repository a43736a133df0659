"""Memory of one process, over many lifespans."""

from __future__ import annotations

from typing import Final

import pytest

from tests.processes import ROOT, UNMEASURED, running

from .treatment import ROUNDS

# Long, for a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

HALF: Final = 3
CYCLES: Final = 20 * ROUNDS
# Caches and free lists take less; one object of 200 bytes per cycle takes more.
NOISE: Final = 4096 + HALF * CYCLES * 20

# Prints the bytes between the medians of the first and the second half of the cycles.
SCRIPT: Final = f"""
import asyncio, gc, sys, tracemalloc
from statistics import median
import django
django.setup()
from django_lifespan_typed import Registry, lifespan_resource, run_asgi_lifespan
from django_lifespan_typed.asgi import get_asgi_application

registry = Registry()
leaks = []

@lifespan_resource("db", registry=registry)
async def db():
    if "leak" in sys.argv:
        leaks.append(bytes(200))
    yield 1

@lifespan_resource("till", needs=(db,), registry=registry)
def till(_):
    yield 2

async def growth():
    application = get_asgi_application(registry)
    readings = []
    tracemalloc.start()
    for _ in range(1 + 2 * {HALF}):
        for _ in range({CYCLES}):
            async with run_asgi_lifespan(application):
                pass
        gc.collect()
        readings.append(tracemalloc.get_traced_memory()[0])
    _, *readings = readings
    return int(median(readings[{HALF}:]) - median(readings[:{HALF}]))

print("grown by", asyncio.run(growth(), debug=False))
"""


@pytest.mark.parametrize("options", [(), ("leak",)], ids=["flat", "leaking"])
def test_many_lifespans_leave_nothing_unless_a_resource_leaks(
    options: tuple[str, ...],
) -> None:
    with running(
        *("-c", SCRIPT, *options),
        folder=ROOT,
        DJANGO_SETTINGS_MODULE="tests.settings",
        **UNMEASURED,
    ) as process:
        assert process.wait() == 0, process.output
        grown = int(process.until(r"grown by (\S+)"))

    assert (grown > NOISE) is bool(options)
