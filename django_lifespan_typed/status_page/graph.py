"""The drawing of who needs whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final, final

from .._runtime.status import ResourceStatus
from .text import duration, shortened, width

_HEIGHT: Final = 42
_ROW: Final = 58
_BETWEEN: Final = 56
_MARGIN: Final = 8
_PADDING: Final = 14
_ARROW: Final = 8


@final
@dataclass(frozen=True)
class Node:
    """One resource of the drawing."""

    name: str
    short: str
    phase: str
    is_critical: bool
    optional: bool
    detail: str
    x: str
    y: str
    width: str
    center: str
    name_y: str
    detail_y: str


@final
@dataclass(frozen=True)
class Edge:
    """One need of the drawing."""

    is_critical: bool
    path: str
    arrow: str


@final
@dataclass(frozen=True)
class DrawnGraph:
    """All that the template draws, in pixels."""

    width: str
    height: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    node_height: str = str(_HEIGHT)


def levels(statuses: Sequence[ResourceStatus]) -> tuple[tuple[str, ...], ...]:
    """
    The names of what needs another or is needed, each in a level after its needs.

    *statuses* are in the order of the start.
    """
    needed = {need for status in statuses for need in status.needs}
    depth: dict[str, int] = {}
    for status in statuses:
        if status.needs or status.name in needed:
            below = (depth[need] + 1 for need in status.needs if need in depth)
            depth[status.name] = max(below, default=0)
    deepest = max(depth.values(), default=-1)
    return tuple(
        tuple(name for name, at in depth.items() if at == level)
        for level in range(deepest + 1)
    )


def draw_graph(
    statuses: Sequence[ResourceStatus], critical: Sequence[str]
) -> DrawnGraph | None:
    """
    The drawing of what needs another, or is needed; *critical* are the names of the
    critical path, in its order.

    None where the extra ``status`` is not installed, and where nobody needs anybody.
    """
    try:
        from igraph import Graph
    except ImportError:
        return None
    columns = levels(statuses)
    layers = {name: at for at, names in enumerate(columns) for name in names}
    drawn = [status for status in statuses if status.name in layers]
    index = {status.name: at for at, status in enumerate(drawn)}
    pairs = [
        (index[need], at)
        for at, status in enumerate(drawn)
        for need in status.needs
        if need in index
    ]
    if not pairs:
        return None
    layout = Graph(len(drawn), pairs, directed=True).layout_sugiyama(
        layers=[layers[status.name] for status in drawn]
    )
    if not hasattr(layout, "edge_routing"):
        return None  # a release from before 1.0
    # Many arrows are told apart where they have room.
    between = _BETWEEN + min(len(pairs), 80)
    # igraph puts layers below each other; names take less room side by side.
    lefts: list[float] = [_MARGIN]
    widths: list[float] = []
    for names in columns:
        shown = [status for status in drawn if status.name in names]
        widths.append(max(map(_room, shown)))
        lefts.append(lefts[-1] + widths[-1] + between)
    ends = [*layout.coords, *(at for route in layout.edge_routing for at in route)]
    top = min(across for across, _ in ends)

    def place(point: Sequence[float]) -> tuple[int, float]:
        across, along = point
        return round(along), _MARGIN + (across - top) * _ROW + _HEIGHT / 2

    path_pairs = {*pairwise(critical)}
    nodes: list[Node] = []
    for status, point in zip(drawn, layout.coords, strict=True):
        layer, y = place(point)
        nodes.append(_node(status, lefts[layer], widths[layer], y, critical))
    edges = [
        _edge(
            [
                (lefts[layer], lefts[layer] + widths[layer], y)
                for layer, y in map(place, [layout.coords[a], *route, layout.coords[b]])
            ],
            is_critical=(drawn[a].name, drawn[b].name) in path_pairs,
        )
        for (a, b), route in zip(pairs, layout.edge_routing, strict=True)
    ]
    lowest = max(place(point)[1] for point in ends)
    return DrawnGraph(
        width=f"{ceil(lefts[-1] - between + _MARGIN)}",
        height=f"{ceil(lowest + _HEIGHT / 2 + _MARGIN)}",
        nodes=tuple(nodes),
        # What is critical lies above the others.
        edges=tuple(sorted(edges, key=lambda edge: edge.is_critical)),
    )


def _room(status: ResourceStatus) -> float:
    longest = max(width(shortened(status.name)) + 16, width(_detail(status)) * 0.85)
    return longest + 2 * _PADDING


def _detail(status: ResourceStatus) -> str:
    took = "" if status.seconds is None else f", {duration(status.seconds)}"
    return f"{status.phase}{', optional' * status.optional}{took}"


def _node(
    status: ResourceStatus, x: float, room: float, y: float, critical: Sequence[str]
) -> Node:
    return Node(
        name=status.name,
        short=shortened(status.name),
        phase=status.phase,
        is_critical=status.name in critical,
        optional=status.optional,
        detail=_detail(status),
        x=f"{x:.1f}",
        y=f"{y - _HEIGHT / 2:.1f}",
        width=f"{room:.1f}",
        center=f"{x + room / 2:.1f}",
        name_y=f"{y - 3:.1f}",
        detail_y=f"{y + 13:.1f}",
    )


def _edge(stops: Sequence[tuple[float, float, float]], *, is_critical: bool) -> Edge:
    """From the right end of the first stop, through others, to the last's left end."""
    (_, x, y), *others = stops
    path = f"M{x:.1f} {y:.1f}"
    for number, (left, right, below) in enumerate(others, start=1):
        is_last = number == len(others)
        end = left - _ARROW * is_last
        middle = (x + end) / 2
        path += f"C{middle:.1f} {y:.1f} {middle:.1f} {below:.1f} {end:.1f} {below:.1f}"
        if not is_last:
            path += f"H{right:.1f}"
        x, y = right, below
    tip = others[-1][0]
    arrow = f"M{tip:.1f} {y:.1f}l-{_ARROW} -{_ARROW / 2:.0f}v{_ARROW}z"
    return Edge(is_critical, path, arrow)
