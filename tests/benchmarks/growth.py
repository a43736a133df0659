"""How the cost of our start grows, with the number of resources and with the depth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

from . import peers
from .measuring import FULL, Effort, Samples, turns
from .shapes import Shape, layered
from .tables import Column, Table

COUNTS = (10, 30, 100, 300, 1_000, 3_000)
MANY = 1_000
DEPTHS = (1, 3, 10, 30, 100, 300, 1_000)
ROUNDS = 11


def results(effort: Effort = FULL) -> Iterator[Table]:
    counts = COUNTS if not effort.quick else (3, 10)
    many = effort.of(MANY, 10)
    depths = [depth for depth in DEPTHS if depth <= many]
    yield _table(
        "growth-count",
        "Our start by the number of independent resources",
        {f"{count:,}": layered(count, 1) for count in counts},
        effort,
    )
    yield _table(
        "growth-depth",
        f"Our start of {many:,} resources by the depth of the plan",
        {f"{depth:,}": layered(many, depth) for depth in depths},
        effort,
    )


def _table(name: str, title: str, shapes: Mapping[str, Shape], effort: Effort) -> Table:
    samples = asyncio.run(_samples(shapes, effort.of(ROUNDS, 1)))
    return Table(
        name,
        title,
        tuple(Column(column, "µs each") for column in shapes),
        {
            library: tuple(
                samples.median(f"{library} {column}") / len(shape) * 1e6
                for column, shape in shapes.items()
            )
            for library in (peers.OURS, peers.FLOOR)
        },
        baseline=peers.FLOOR,
    )


async def _samples(shapes: Mapping[str, Shape], rounds: int) -> Samples:
    modules = peers.having("starting")
    declared: dict[str, Callable[[], Any]] = {
        f"{library} {column}": modules[library].starting(shape, 0)
        for column, shape in shapes.items()
        for library in (peers.OURS, peers.FLOOR)
    }
    samples = Samples()
    for name in turns(declared, rounds, collections=True):
        began = perf_counter()
        async with declared[name]():
            samples.add(name, perf_counter() - began)
    return samples
