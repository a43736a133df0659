"""Starts and stops: a thousand trivial resources, a fan-out, a chain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from time import perf_counter
from typing import Any

from django_lifespan_typed import Lifespan, Registry, lifespan_resource

from .measuring import FULL, Effort, Result, Samples, turns
from .peers.ours import declared
from .shapes import layered

BOUND = 1.05
MANY = 1_000
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


def registry_of(factory: Callable[..., Any], count: int) -> Registry:
    """*count* independent resources."""
    registry = Registry()
    for number in range(count):
        lifespan_resource(f"resource {number}", registry=registry)(factory)
    return registry


def results(effort: Effort = FULL) -> Iterator[Result]:
    rounds = effort.of(ROUNDS, 1)
    yield from _many(rounds, effort.of(MANY, 50))
    yield from _pauses(rounds)


def _many(rounds: int, many: int) -> Iterator[Result]:
    factories = [async_generator, coroutine, generator]
    registries = {
        f"{factory.__name__.replace('_', ' ')} functions": registry_of(factory, many)
        for factory in factories
    }
    samples = asyncio.run(_samples(registries, rounds, stop=True))
    for name in registries:
        yield Result(
            f"start and stop of {many:,} {name}, each",
            samples.median(name) / many * 1e6,
            "us",
            50,
            f"best {samples.best(name) / many * 1e6:.1f} us",
        )
    for name in turns(["threads"], rounds, collections=True):
        samples.add(name, _seconds_of_threads(many))
    yield Result(
        f"for comparison: {many:,} bare threads, each",
        samples.median("threads") / many * 1e6,
        "us",
        detail="a generator function has a thread of its own",
    )


def _pauses(rounds: int) -> Iterator[Result]:
    registries = {
        "fan-out": declared(layered(WIDE, 1), PAUSE),
        "chain": declared(layered(LONG, LONG), PAUSE),
    }
    samples = asyncio.run(_samples(registries, rounds, stop=False))
    for name, described, ideal, bound in (
        ("fan-out", f"start of {WIDE} that take 50 ms", PAUSE, BOUND),
        ("chain", f"start of a chain of {LONG} that take 50 ms", LONG * PAUSE, BOUND),
    ):
        yield Result(
            described,
            samples.median(name) / ideal,
            "x ideal",
            bound,
            f"{samples.median(name) * 1e3:.1f} ms to {ideal * 1e3:.0f} ms",
        )


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


async def _samples(registries: dict[str, Registry], rounds: int, stop: bool) -> Samples:
    samples = Samples()
    for registry in registries.values():
        async with Lifespan(registry):
            pass
    for name in turns(registries, rounds, collections=True):
        began = perf_counter()
        async with Lifespan(registries[name]):
            started = perf_counter()
        ended = perf_counter()
        samples.add(name, (ended if stop else started) - began)
    return samples
