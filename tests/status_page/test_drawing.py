"""The drawings of the status page, made of records."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from django_lifespan_typed._declare.location import Location
from django_lifespan_typed._runtime.startup_times import waterfall
from django_lifespan_typed._runtime.status import Phase, ResourceStatus
from django_lifespan_typed.status_page.graph import draw_graph, levels
from django_lifespan_typed.status_page.text import duration, shortened
from django_lifespan_typed.status_page.waterfall import draw_waterfall


def record(
    name: str,
    began: float | None = 0.0,
    seconds: float | None = 1.0,
    needs: tuple[str, ...] = (),
    phase: Phase = "running",
    *,
    optional: bool = False,
) -> ResourceStatus:
    """What is known of a resource."""
    return ResourceStatus(
        name=name,
        phase=phase,
        seconds=seconds,
        needs=needs,
        declared_at=Location("shop/lifespan.py", 9, "shop.lifespan"),
        error=None,
        optional=optional,
        began_after=began,
    )


# a (1 s) and b (2 s), then c, which needs both, and d, which needs c and a.
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
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (59.99, "59.99 s"),
        (59.996, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (86_400 * 3 + 3600 * 4, "3 d 4 h"),
    ],
)
def test_durations_have_two_units(seconds: float | None, written: str) -> None:
    """A duration is written with its two largest units."""
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        pytest.param("x" * 28, "x" * 28, id="what fits"),
        pytest.param("x" * 29, "x" * 27 + "…", id="what does not fit"),
        pytest.param("日" * 15, "日" * 13 + "…", id="letters of double width"),
    ],
)
def test_names_are_shortened_to_what_fits(name: str, written: str) -> None:
    """A name takes at most 28 columns of a drawing."""
    assert shortened(name) == written


def test_bars_are_where_their_time_is() -> None:
    """Bars begin and end on one scale, critical ones are marked, the total is said."""
    drawn = draw_waterfall(waterfall(DIAMOND))

    assert drawn is not None
    origin, second = (float(tick.x) for tick in (drawn.ticks[0], drawn.ticks[1]))
    assert [tick.label for tick in drawn.ticks] == [
        *("0", "1.00 s", "2.00 s", "3.00 s"),
    ]
    scale = second - origin
    begins = {bar.name: (float(bar.x) - origin) / scale for bar in drawn.bars}
    lengths = {bar.name: float(bar.length) / scale for bar in drawn.bars}
    assert begins == pytest.approx({"a": 0, "b": 0, "c": 2, "d": 3, "e": 0}, abs=0.01)
    assert lengths == pytest.approx(
        {"a": 1, "b": 2, "c": 1, "d": 0.5, "e": 0.1}, abs=0.01
    )
    assert drawn.critical == ("b", "c", "d")
    assert drawn.total == "3.50 s"


@pytest.mark.parametrize("total", [1e-7, 0.002, 0.0049, 0.3, 1, 2.4, 7, 59, 86_400.0])
def test_the_scale_is_of_few_lines(total: float) -> None:
    """However long a start took, its scale has one to six lines, within the chart."""
    drawn = draw_waterfall(waterfall([record("a", 0, total)]))

    assert drawn is not None
    assert 1 <= len(drawn.ticks) <= 6
    assert float(drawn.ticks[-1].x) < float(drawn.width)


def test_what_has_not_started_has_no_bar() -> None:
    """Without a start there is no waterfall."""
    assert draw_waterfall(waterfall([record("a", None, None, (), "waiting")])) is None


def test_a_crash_is_written_beside_its_bar() -> None:
    """The phase of what does not run is text, not a colour alone."""
    drawn = draw_waterfall(waterfall([record("a", phase="crashed")]))

    assert drawn is not None
    assert [bar.text for bar in drawn.bars] == ["1.00 s · crashed"]


def test_levels_follow_the_needs() -> None:
    """What needs another is in a later level; what is on its own is in none."""
    assert levels(DIAMOND) == (("a", "b"), ("c",), ("d",))


def test_needs_are_drawn_left_to_right() -> None:
    """Each arrow begins at the right end of a need, and ends at who needs it."""
    drawn = draw_graph(DIAMOND, ("b", "c", "d"))

    assert drawn is not None
    nodes = {node.name: node for node in drawn.nodes}
    lefts = {name: float(node.x) for name, node in nodes.items()}
    assert nodes.keys() == {"a", "b", "c", "d"}
    assert lefts["a"] == lefts["b"] < lefts["c"] < lefts["d"]
    starts = sorted(re.findall(r"[\d.]+", edge.path)[0] for edge in drawn.edges)
    tips = sorted(re.findall(r"[\d.]+", edge.arrow)[0] for edge in drawn.edges)
    rights = {
        name: f"{left + float(nodes[name].width):.1f}" for name, left in lefts.items()
    }
    assert starts == sorted(rights[name] for name in ("a", "a", "b", "c"))
    assert tips == sorted(nodes[name].x for name in ("c", "c", "d", "d"))
    assert sum(edge.is_critical for edge in drawn.edges) == 2
    assert {name for name, node in nodes.items() if node.is_critical} == {"b", "c", "d"}


def test_nobody_needs_anybody() -> None:
    """Resources that are on their own have no graph."""
    assert draw_graph([record("a"), record("b")], ("a",)) is None
    assert draw_graph([], ()) is None
