"""Memory that requests leave behind."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from asgiref.sync import SyncToAsync

from django_lifespan_typed import run_asgi_lifespan

from .measuring import Result
from .site import Server, lifespan_handler, on_this_site, plain_handler

BOUND = 0.01  # a leak leaves one or more for each request
REQUESTS = 20_000
WARM_UP = 500


@dataclass(frozen=True)
class Growth:
    """Growth over many requests, after a few hundred."""

    blocks: int
    """Blocks of memory that Python has allocated."""
    objects: int
    """Objects that the garbage collector tracks."""


def collect() -> None:
    """Collect garbage, after asgiref's thread has released its last call."""
    # It releases a call when it takes the next one.
    SyncToAsync.single_thread_executor.submit(int).result()
    gc.collect()


async def growth(server: Server, requests: int) -> Growth:
    """The growth over *requests*, once the garbage is collected."""
    for _ in range(min(WARM_UP, requests)):  # fills caches and free lists
        await server.get()
    before = _now()
    for _ in range(requests):
        await server.get()
    after = _now()
    return Growth(after.blocks - before.blocks, after.objects - before.objects)


async def garbage(server: Server, requests: int) -> int:
    """The number of objects in reference cycles that *requests* leave."""
    for _ in range(WARM_UP):
        await server.get()
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(requests):
            await server.get()
        return gc.collect()
    finally:
        if was_enabled:
            gc.enable()


def results(quick: bool) -> Iterator[Result]:
    yield from asyncio.run(_results(200 if quick else REQUESTS))


@on_this_site
async def _results(requests: int) -> list[Result]:
    handler = lifespan_handler()
    results: list[Result] = []
    async with run_asgi_lifespan(handler) as state:
        for name, count, ours, plain in (
            (
                "a lifespan",
                requests,
                Server(handler, state),
                Server(plain_handler(), state),
            ),
            (
                "no lifespan",
                requests // 10,
                Server(lifespan_handler()),
                Server(plain_handler()),
            ),
        ):
            theirs = asdict(await growth(plain, count))
            grown = asdict(await growth(ours, count))
            results += [
                Result(
                    f"{count:,} requests, {name}: {unit} left, each",
                    max(grown[unit] - max(theirs[unit], 0), 0) / count,
                    unit,
                    BOUND,
                    f"{grown[unit]} to Django's {theirs[unit]}",
                )
                for unit in grown
            ]
    return results


def _now() -> Growth:
    # Twice: a finalizer may leave garbage.
    collect()
    collect()
    return Growth(sys.getallocatedblocks(), len(gc.get_objects()))
