"""Starts of many resources: each library side by side, and ours by size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

from . import peers
from .measuring import FULL, Effort, Samples, turns
from .shapes import SHAPES, Shape, depth, layered
from .tables import Column, Table, of_samples

COUNTS = (10, 100, 1_000)
ROUNDS = 7

PAUSE = 0.02
PAUSING = 30
LAYERS = 5
PAUSING_ROUNDS = 5

GROWTH_COUNTS = (10, 30, 100, 300, 1_000, 3_000)
GROWTH_MANY = 1_000
GROWTH_DEPTHS = (1, 3, 10, 30, 100, 300, 1_000)
GROWTH_ROUNDS = 11


def results(effort: Effort = FULL) -> Iterator[Table]:
    counts = COUNTS if not effort.quick else (10, 20)
    for name, shaped in SHAPES.items():
        yield _each(
            f"starts-{name}",
            f"Start of resources that take no time, {name}",
            {f"N = {count:,}": shaped(count) for count in counts},
            effort,
            rounds=ROUNDS,
        )
    yield _pausing(effort)


def growth(effort: Effort = FULL) -> Iterator[Table]:
    """The cost of our start by the number of resources and by the depth."""
    counts = GROWTH_COUNTS if not effort.quick else (3, 10)
    many = effort.of(GROWTH_MANY, 10)
    depths = [depth for depth in GROWTH_DEPTHS if depth <= many]
    libraries = (peers.OURS, peers.FLOOR)
    yield _each(
        "growth-count",
        "Our start by the number of independent resources",
        {f"{count:,}": layered(count, 1) for count in counts},
        effort,
        rounds=GROWTH_ROUNDS,
        libraries=libraries,
    )
    yield _each(
        "growth-depth",
        f"Our start of {many:,} resources by the depth of the plan",
        {f"{depth:,}": layered(many, depth) for depth in depths},
        effort,
        rounds=GROWTH_ROUNDS,
        libraries=libraries,
    )


def _each(
    name: str,
    title: str,
    shapes: Mapping[str, Shape],
    effort: Effort,
    *,
    rounds: int,
    libraries: Sequence[str] = (),
) -> Table:
    """Microseconds for each resource of each shape."""
    libraries = libraries or [*peers.having("starting")]
    samples = {}
    for column, shape in shapes.items():
        # Less than a millisecond is easily disturbed, and quickly repeated.
        times = effort.of(rounds if len(shape) > 100 else 7 * rounds, 1)
        samples[column] = asyncio.run(_samples(libraries, shape, 0, times))
    rows = {
        row: tuple(
            figure and figure / len(shape)
            for figure, shape in zip(
                of_samples(samples, row, 1e6), shapes.values(), strict=True
            )
        )
        for row in libraries
    }
    columns = tuple(Column(column, "µs each") for column in shapes)
    return Table(name, title, columns, rows, peers.FLOOR, note=_unable(rows))


def _pausing(effort: Effort) -> Table:
    count = effort.of(PAUSING, 6)
    shapes = {
        "independent": layered(count, 1),
        f"in {LAYERS} layers": layered(count, LAYERS),
    }
    libraries = [*peers.having("starting")]
    rounds = effort.of(PAUSING_ROUNDS, 1)
    samples = {
        name: asyncio.run(_samples(libraries, shape, PAUSE, rounds))
        for name, shape in shapes.items()
    }
    rows = {
        row: tuple(
            figure and figure / (PAUSE * depth(shape))
            for figure, shape in zip(
                of_samples(samples, row, 1), shapes.values(), strict=True
            )
        )
        for row in libraries
    }
    return Table(
        "starts-pausing",
        f"Start of {count} resources that take {PAUSE * 1e3:.0f} ms each",
        tuple(Column(name, "× the critical path") for name in shapes),
        rows,
        baseline="",
        note=_unable(rows),
    )


def _unable(rows: dict[str, Any]) -> str:
    unable = [row for row, figures in rows.items() if None in figures]
    return f"–: {', '.join(unable)} has no dependencies." if unable else ""


async def _samples(
    libraries: Sequence[str], shape: Shape, pause: float, rounds: int
) -> Samples:
    modules = peers.having("starting")
    declared: dict[str, Callable[[], Any]] = {}
    for name in libraries:
        if (starting := modules[name].starting(shape, pause)) is not None:
            declared[name] = starting
    samples = Samples()
    for starting in declared.values():
        if not pause:
            await _seconds(starting)  # imports and compiles
    for name in turns(declared, rounds, collections=True):
        samples.add(name, await _seconds(declared[name]))
    return samples


async def _seconds(starting: Callable[[], Any]) -> float:
    began = perf_counter()
    async with starting():
        return perf_counter() - began
