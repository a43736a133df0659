"""Starts and stops: a thousand trivial resources, a fan-out, a chain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from time import perf_counter
from typing import Any

from django_lifespan_typed import Lifespan, Registry, lifespan_resource

from .measuring import Result, Samples, turns
from .peers.ours import declared
from .shapes import layered

BOUND = 1.05
MANY = 1_000
MANY_BOUND = 50.0  # µs each
ROUNDS = 15
PAUSE = 0.05
WIDE = 100
LONG = 5


async def async_generator() -> AsyncGenerator[int, None]:
    yield 1


async def coroutine() -> int:
    return 1


def generator() -> Generator[int]:
    yield 1


FACTORIES = {
    "async generator functions": async_generator,
    "coroutine functions": coroutine,
    "generator functions": generator,
}


def results(quick: bool) -> Iterator[Result]:
    rounds, many = 1 if quick else ROUNDS, 50 if quick else MANY
    registries = {name: _independent(made, many) for name, made in FACTORIES.items()}
    registries["fan-out"] = declared(layered(WIDE, 1), PAUSE)
    registries["chain"] = declared(layered(LONG, LONG), PAUSE)
    samples = asyncio.run(_samples(registries, rounds))
    for name in turns(["bare threads"], rounds, collections=True):
        samples.add(name, _seconds_of_threads(many))

    for name in FACTORIES:
        each = samples.median(name) / many * 1e6
        title = f"start and stop of {many:,} {name}, each"
        yield Result(title, each, "us", MANY_BOUND)
    each = samples.median("bare threads") / many * 1e6
    yield Result(f"for comparison: {many:,} bare threads, each", each, "us")
    for name, title, ideal in (
        ("fan-out", f"start of {WIDE} that take 50 ms", PAUSE),
        ("chain", f"start of a chain of {LONG} that take 50 ms", LONG * PAUSE),
    ):
        yield Result(title, samples.median(name) / ideal, "x ideal", BOUND)


def _independent(factory: Callable[..., Any], count: int) -> Registry:
    registry = Registry()
    for number in range(count):
        lifespan_resource(f"resource {number}", registry=registry)(factory)
    return registry


async def _samples(registries: dict[str, Registry], rounds: int) -> Samples:
    """The seconds of a start and a stop; of a start alone if resources pause."""
    samples = Samples()
    for registry in registries.values():
        async with Lifespan(registry):
            pass
    for name in turns(registries, rounds, collections=True):
        began = perf_counter()
        async with Lifespan(registries[name]):
            started = perf_counter()
        ended = perf_counter()
        pauses = name in {"fan-out", "chain"}
        samples.add(name, (started if pauses else ended) - began)
    return samples


def _seconds_of_threads(many: int) -> float:
    began = perf_counter()
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(many)]
    for thread in threads:
        thread.start()
    done.set()
    for thread in threads:
        thread.join()
    return perf_counter() - began
