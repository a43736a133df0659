"""The drawings of the status page."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from django_lifespan_typed._declare.location import Location
from django_lifespan_typed._runtime.startup_times import startup_times
from django_lifespan_typed._runtime.status import Phase, ResourceStatus
from django_lifespan_typed.status_page.graph import Graph, draw_graph, levels
from django_lifespan_typed.status_page.text import duration, label
from django_lifespan_typed.status_page.waterfall import draw_waterfall


def record(
    name: str,
    began: float | None = 0.0,
    seconds: float | None = 1.0,
    needs: tuple[str, ...] = (),
    phase: Phase = "running",
) -> ResourceStatus:
    return ResourceStatus(
        name=name,
        phase=phase,
        seconds=seconds,
        needs=needs,
        declared_at=Location("shop/lifespan.py", 9, "shop.lifespan"),
        error=None,
        began_after=began,
    )


DIAMOND: Sequence[ResourceStatus] = (
    record("a", 0, 1),
    record("b", 0, 2),
    record("c", 2, 1, ("a", "b")),
    record("d", 3, 0.5, ("c", "a")),
    record("e", 0, 0.1),
)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0, "<1 ms"),
        (0.0124, "12 ms"),
        (0.9996, "1.00 s"),
        (59.99, "59.99 s"),
        (59.996, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (86_400 * 3 + 3600 * 4, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units(seconds: float | None, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [("x" * 28, "x" * 28), ("x" * 29, "x" * 27 + "…"), ("日" * 15, "日" * 13 + "…")],
    ids=["fits", "too long", "double width"],
)
def test_a_long_name_is_shortened(name: str, written: str) -> None:
    assert label(name) == written


def test_bars_are_drawn_to_scale() -> None:
    drawn = draw_waterfall(startup_times(DIAMOND))

    assert drawn is not None
    labels = [tick.label for tick in drawn.ticks]
    assert labels == ["0", "1.00 s", "2.00 s", "3.00 s"]
    second = drawn.ticks[1].x - drawn.ticks[0].x
    bars = {
        bar.label: ((bar.x - drawn.ticks[0].x) / second, bar.length / second)
        for bar in drawn.bars
    }
    expected = {"a": (0, 1), "b": (0, 2), "c": (2, 1), "d": (3, 0.5), "e": (0, 0.1)}
    assert bars == {
        name: pytest.approx(begin_and_length, abs=0.02)
        for name, begin_and_length in expected.items()
    }
    assert drawn.critical == ("b", "c", "d")
    assert drawn.total == "3.50 s"


@pytest.mark.parametrize("total", [1e-7, 0.002, 0.0049, 0.3, 1, 2.4, 7, 59, 86_400.0])
def test_the_time_scale_has_at_most_six_ticks(total: float) -> None:
    drawn = draw_waterfall(startup_times([record("a", 0, total)]))

    assert drawn is not None
    assert 1 <= len(drawn.ticks) <= 6
    assert drawn.ticks[-1].x < drawn.width


def test_without_a_started_resource_there_is_no_waterfall() -> None:
    assert draw_waterfall(startup_times([record("a", None, None)])) is None


def test_the_phase_of_a_crashed_resource_is_written_beside_its_bar() -> None:
    drawn = draw_waterfall(startup_times([record("a", phase="crashed")]))

    assert drawn is not None
    assert [bar.text for bar in drawn.bars] == ["1.00 s · crashed"]


def test_a_resource_is_one_level_after_its_deepest_dependency() -> None:
    names = [[status.name for status in column] for column in levels(DIAMOND)]

    assert names == [["a", "b"], ["c"], ["d"]]


def test_the_critical_path_is_marked() -> None:
    drawn = draw_graph(DIAMOND, ("b", "c", "d"))

    assert drawn is not None
    critical = {node.label for node in drawn.nodes if node.is_critical}
    assert critical == {"b", "c", "d"}
    assert [edge.is_critical for edge in drawn.edges] == [False, False, True, True]


def test_resources_without_dependencies_are_not_drawn() -> None:
    assert draw_graph([record("a"), record("b")], ("a",)) is None
    assert draw_graph([], ()) is None


def assert_readable(graph: Graph) -> None:
    nodes = {node.status.name: node for node in graph.nodes}
    boxes: dict[int, list[tuple[int, int]]] = {}
    for node in nodes.values():
        assert node.right < graph.width
        assert node.y + node.height < graph.height
        boxes.setdefault(node.x, []).append((node.y, node.y + node.height))
        for need in node.status.needs:
            assert nodes[need].right < node.x
    for column in boxes.values():
        column.sort()
        assert all(above[1] < below[0] for above, below in pairwise(column))
    assert len(graph.edges) == sum(len(node.status.needs) for node in nodes.values())


def test_large_graphs_are_drawn_without_overlaps() -> None:
    for seed in range(10):
        rng = random.Random(seed)
        statuses = [
            record(
                f"r{number}",
                needs=tuple(
                    f"r{need}"
                    for need in rng.sample(range(number), min(number, rng.randrange(4)))
                ),
            )
            for number in range(400)
        ]

        drawn = draw_graph(statuses, ())

        assert drawn is not None
        assert_readable(drawn)
