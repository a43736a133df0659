"""Starts of many resources, each library side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
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


def results(effort: Effort = FULL) -> Iterator[Table]:
    yield from _without_a_pause(effort)
    yield _with_a_pause(effort)


def _without_a_pause(effort: Effort) -> Iterator[Table]:
    counts = COUNTS if not effort.quick else (10, 20)
    for name, made in SHAPES.items():
        samples = {
            count: asyncio.run(_samples(made(count), 0, effort.of(_rounds(count), 1)))
            for count in counts
        }
        rows = {
            row: tuple(
                figure and figure / count
                for figure, count in zip(
                    of_samples(samples, row, 1e6), counts, strict=True
                )
            )
            for row in peers.having("starting")
        }
        yield Table(
            f"starts-{name}",
            f"Start of resources that take no time, {name}",
            tuple(Column(f"N = {count:,}", "µs each") for count in counts),
            rows,
            baseline=peers.FLOOR,
            note=_unable(rows),
        )


def _rounds(count: int) -> int:
    # What takes less than a millisecond is soon disturbed, and soon done again.
    return ROUNDS if count > 100 else 7 * ROUNDS


def _with_a_pause(effort: Effort) -> Table:
    count = effort.of(PAUSING, 6)
    shapes = {
        "independent": layered(count, 1),
        f"in {LAYERS} layers": layered(count, LAYERS),
    }
    ideal = {name: PAUSE * depth(shape) for name, shape in shapes.items()}
    samples = {
        name: asyncio.run(_samples(shape, PAUSE, effort.of(PAUSING_ROUNDS, 1)))
        for name, shape in shapes.items()
    }
    rows = {
        row: tuple(
            figure and figure / ideal[name]
            for name, figure in zip(shapes, of_samples(samples, row, 1), strict=True)
        )
        for row in peers.having("starting")
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
    return f"–: {', '.join(unable)} has no needs." if unable else ""


async def _samples(shape: Shape, pause: float, rounds: int) -> Samples:
    samples = Samples()
    declared: dict[str, Callable[[], Any]] = {}
    for name, module in peers.having("starting").items():
        starting = module.starting(shape, pause)
        if starting is not None:
            declared[name] = starting
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
