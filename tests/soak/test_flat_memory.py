"""Memory of one process, over many lifespans whose resources are connections."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncGenerator, Generator
from statistics import median
from typing import Final

import pytest

from django_lifespan_typed import Registry, lifespan_resource, run_asgi_lifespan
from django_lifespan_typed.asgi import get_asgi_application

from . import ledger as ledger_module
from .ledger import Ledger
from .site.lines import BlockingLine, Line, dialled, dialled_in_thread
from .treatment import ROUNDS

# Far more than it takes, for a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

HALF: Final = 3

CYCLES: Final = 20 * ROUNDS
# Caches and free lists of this process. One object of 200 bytes per cycle is more.
CYCLES_NOISE: Final = 4096
PER_CYCLE: Final = 20


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Generator[Ledger]:
    with Ledger() as listening:
        monkeypatch.setenv("LEDGER", str(listening.port))
        yield listening


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
    By how many bytes memory grew, from the median of a first half of many cycles of
    one application to the median of the second.
    """
    application = get_asgi_application(site(leaks))
    readings: list[int] = []
    # What the ledger writes down stays, in this process.
    others = tracemalloc.Filter(False, ledger_module.__file__)
    tracemalloc.start()
    try:
        for _ in range(2 * HALF + 1):
            for _ in range(CYCLES):
                async with run_asgi_lifespan(application):
                    pass
            gc.collect()
            snapshot = tracemalloc.take_snapshot().filter_traces([others])
            readings.append(sum(trace.size for trace in snapshot.traces))
    finally:
        tracemalloc.stop()
    _, *readings = readings
    return int(median(readings[HALF:]) - median(readings[:HALF]))


def test_lifespans_of_one_process_leave_nothing(ledger: Ledger) -> None:
    """Started and stopped again and again: all is closed, and memory stays."""
    grown = asyncio.run(grown_in_cycles(None), debug=False)

    assert len(ledger.with_status("closed")) == 2 * CYCLES * (2 * HALF + 1)
    assert ledger.holding() == set()
    assert ledger.with_status("dropped") == []
    assert grown < CYCLES_NOISE + HALF * CYCLES * PER_CYCLE


def test_a_lifespan_that_leaks_is_found_out(ledger: Ledger) -> None:
    """The measure above would see one small object for each lifespan."""
    assert (
        asyncio.run(grown_in_cycles([]), debug=False)
        > CYCLES_NOISE + HALF * CYCLES * PER_CYCLE
    )
