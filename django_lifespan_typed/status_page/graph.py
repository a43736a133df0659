"""The dependency graph on the status page: an SVG with one column per level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

from .._runtime.status import ResourceStatus
from .text import duration, label, pixels

# In pixels.
HEIGHT: Final = 42
ROW: Final = 58
GAP: Final = 72
MARGIN: Final = 8
PADDING: Final = 14
ARROW: Final = 8


@final
@dataclass(frozen=True)
class Node:
    """The box of one resource; x and y are its upper left corner."""

    status: ResourceStatus
    label: str
    detail: str
    is_critical: bool
    x: int
    y: int
    width: int
    height: int = HEIGHT

    @property
    def right(self) -> int:
        """Where edges to dependents begin."""
        return self.x + self.width

    @property
    def middle(self) -> int:
        """The height at which edges begin and end, between the two lines of text."""
        return self.y + HEIGHT // 2

    @property
    def center(self) -> int:
        """Where its texts are centred."""
        return self.x + self.width // 2


@final
@dataclass(frozen=True)
class Edge:
    """The line from a dependency to a dependent, and its arrowhead."""

    is_critical: bool
    path: str
    arrow: str


@final
@dataclass(frozen=True)
class Graph:
    """The drawing; width and height in pixels."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def levels(statuses: Sequence[ResourceStatus]) -> list[list[ResourceStatus]]:
    """
    Return the columns of the graph: each resource is one level after its deepest
    dependency. A resource without dependencies and dependents is in no level.

    *statuses* are in start order.
    """
    needed = {need for status in statuses for need in status.needs}
    depth: dict[str, int] = {}
    columns: list[list[ResourceStatus]] = []
    for status in statuses:
        if status.needs or status.name in needed:
            before = (depth[need] + 1 for need in status.needs if need in depth)
            level = depth[status.name] = max(before, default=0)
            if level == len(columns):
                columns.append([])
            columns[level].append(status)
    return columns


def draw_graph(
    statuses: Sequence[ResourceStatus], critical: Sequence[str]
) -> Graph | None:
    """
    Draw the resources that have dependencies or dependents; None if there are none.

    *critical* has the names on the critical path, in its order.
    """
    nodes: dict[str, Node] = {}
    x = MARGIN
    for level, column in enumerate(levels(statuses)):
        width = max(map(_width, column))
        # Every second column is half a row lower, so that an edge which passes a
        # column runs between its boxes.
        top = MARGIN + level % 2 * ROW // 2
        for row, status in enumerate(column):
            nodes[status.name] = Node(
                status=status,
                label=label(status.name),
                detail=_detail(status),
                is_critical=status.name in critical,
                x=x,
                y=top + row * ROW,
                width=width,
            )
        x += width + GAP
    if not nodes:
        return None
    path = {*pairwise(critical)}
    edges = [
        _edge(nodes[need], node, is_critical=(need, name) in path)
        for name, node in nodes.items()
        for need in node.status.needs
        if need in nodes
    ]
    return Graph(
        width=x - GAP + MARGIN,
        height=max(node.y for node in nodes.values()) + HEIGHT + MARGIN,
        nodes=tuple(nodes.values()),
        # The critical path is drawn last, above the other edges.
        edges=tuple(sorted(edges, key=lambda edge: edge.is_critical)),
    )


def _width(status: ResourceStatus) -> int:
    # The mark of the critical path, and a space, may stand before the name.
    return 2 * PADDING + max(pixels(f"◆ {label(status.name)}"), pixels(_detail(status)))


def _detail(status: ResourceStatus) -> str:
    took = "" if status.seconds is None else f", {duration(status.seconds)}"
    return f"{status.phase}{', optional' * status.optional}{took}"


def _edge(dependency: Node, dependent: Node, *, is_critical: bool) -> Edge:
    tip, end = dependent.x, dependent.x - ARROW
    bend = (dependency.right + end) // 2
    return Edge(
        is_critical,
        path=f"M{dependency.right} {dependency.middle}C{bend} {dependency.middle} "
        f"{bend} {dependent.middle} {end} {dependent.middle}",
        arrow=f"M{tip} {dependent.middle}l-{ARROW} -{ARROW // 2}v{ARROW}z",
    )
