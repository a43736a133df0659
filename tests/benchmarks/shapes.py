"""Shapes of plans: the dependencies of each resource, by number."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, isqrt
from typing import Final, TypeAlias

Shape: TypeAlias = tuple[tuple[int, ...], ...]


def layered(count: int, layers: int | None = None) -> Shape:
    """Each depends on two of the layer before; by default a square of layers."""
    layers = isqrt(count - 1) + 1 if layers is None else layers
    bounds = [ceil(count * number / layers) for number in range(layers + 1)]
    below: range = range(0)
    needs: list[tuple[int, ...]] = []
    for first, end in pairwise(bounds):
        layer = range(first, end)
        for place in range(len(layer)):
            wanted = (place, place + 1) if below else ()
            needs.append(tuple({below[each % len(below)] for each in wanted}))
        below = layer
    return tuple(needs)


def depth(shape: Shape) -> int:
    """The number of resources on the longest path."""
    depths: list[int] = []
    for needs in shape:
        depths.append(1 + max((depths[need] for need in needs), default=0))
    return max(depths)


SHAPES: Final = {
    "independent": lambda count: layered(count, 1),
    "layered": layered,
    "chained": lambda count: layered(count, count),
}
