"""Starts of many resources: each library side by side, and ours by size."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter

from . import peers
from .measuring import Samples, turns
from .peers.value import Start
from .shapes import SHAPES, Shape, depth, layered
from .tables import Column, Table

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


def results(quick: bool) -> Iterator[Table]:
    counts = (10, 20) if quick else COUNTS
    libraries = [*peers.having("starting")]
    for name, shaped in SHAPES.items():
        yield _table(
            f"starts-{name}",
            f"Start of resources that take no time, {name}",
            {f"N = {count:,}": shaped(count) for count in counts},
            libraries,
            1 if quick else ROUNDS,
        )
    count = 6 if quick else PAUSING
    yield _table(
        "starts-pausing",
        f"Start of {count} resources that take {PAUSE * 1e3:.0f} ms each",
        {
            "independent": layered(count, 1),
            f"in {LAYERS} layers": layered(count, LAYERS),
        },
        libraries,
        1 if quick else PAUSING_ROUNDS,
        pause=PAUSE,
    )


def growth(quick: bool) -> Iterator[Table]:
    """The cost of our start by the number of resources and by the depth."""
    counts = (3, 10) if quick else GROWTH_COUNTS
    many = 10 if quick else GROWTH_MANY
    depths = [depth for depth in GROWTH_DEPTHS if depth <= many]
    libraries = (peers.OURS, peers.FLOOR)
    rounds = 1 if quick else GROWTH_ROUNDS
    yield _table(
        "growth-count",
        "Our start by the number of independent resources",
        {f"{count:,}": layered(count, 1) for count in counts},
        libraries,
        rounds,
    )
    yield _table(
        "growth-depth",
        f"Our start of {many:,} resources by the depth of the plan",
        {f"{depth:,}": layered(many, depth) for depth in depths},
        libraries,
        rounds,
    )


def _table(
    name: str,
    title: str,
    shapes: Mapping[str, Shape],
    libraries: Sequence[str],
    rounds: int,
    *,
    pause: float = 0,
) -> Table:
    """Microseconds for each resource, or multiples of the critical path of pauses."""
    rows: dict[str, tuple[float | None, ...]] = dict.fromkeys(libraries, ())
    for shape in shapes.values():
        # Less than a millisecond is easily disturbed, and quickly repeated.
        is_short = not pause and rounds > 1 and len(shape) <= 100
        samples = asyncio.run(
            _samples(libraries, shape, pause, rounds * 7 if is_short else rounds)
        )
        unit = pause * depth(shape) if pause else len(shape) / 1e6
        for row in rows:
            figure = samples.median(row) / unit if row in samples.seconds else None
            rows[row] += (figure,)
    unable = [row for row, figures in rows.items() if None in figures]
    return Table(
        name,
        title,
        tuple(
            Column(column, "× the critical path" if pause else "µs each")
            for column in shapes
        ),
        rows,
        baseline="" if pause else peers.FLOOR,
        note=f"–: {', '.join(unable)} has no dependencies." if unable else "",
    )


async def _samples(
    libraries: Sequence[str], shape: Shape, pause: float, rounds: int
) -> Samples:
    modules = peers.having("starting")
    declared: dict[str, Start] = {}
    for name in libraries:
        if (start := modules[name].starting(shape, pause)) is not None:
            declared[name] = start
            await _seconds(start)  # imports and compiles
    samples = Samples()
    for name in turns(declared, rounds, collections=True):
        samples.add(name, await _seconds(declared[name]))
    return samples


async def _seconds(start: Start) -> float:
    began = perf_counter()
    async with start():
        return perf_counter() - began
