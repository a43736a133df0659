"""Shapes of plans: which resource needs which, by number."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, isqrt
from typing import Final, TypeAlias

Shape: TypeAlias = tuple[tuple[int, ...], ...]
"""For each resource, those before it that it needs."""


def independent(count: int) -> Shape:
    """Nobody needs anybody."""
    return ((),) * count


def chained(count: int) -> Shape:
    """Each needs the one before."""
    return layered(count, count)


def layered(count: int, layers: int | None = None) -> Shape:
    """Each needs two of the layer before; as many layers as they are wide, or told."""
    layers = isqrt(count - 1) + 1 if layers is None else layers
    bounds = [ceil(count * number / layers) for number in range(layers + 1)]
    below: range = range(0)
    needs: list[tuple[int, ...]] = []
    for first, end in pairwise(bounds):
        here = range(first, end)
        for place in range(len(here)):
            wanted = (place, place + 1) if below else ()
            needs.append(tuple({below[each % len(below)] for each in wanted}))
        below = here
    return tuple(needs)


def depth(shape: Shape) -> int:
    """How many resources there are on the longest path."""
    depths: list[int] = []
    for needs in shape:
        depths.append(1 + max((depths[need] for need in needs), default=0))
    return max(depths)


SHAPES: Final = {
    "independent": independent,
    "layered": layered,
    "chained": chained,
}
