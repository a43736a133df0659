"""The tables and bounds: what a figure is shown as, and who is said to be ahead."""

from __future__ import annotations

import pytest

from . import peers
from .measuring import Result
from .tables import Column, Table


def table(
    figures: dict[str, tuple[float | None, ...]], *, more_is_better: bool = False
) -> Table:
    columns = (Column("speed", "units", more_is_better),)
    return Table("speeds", "Speeds", columns, figures, baseline="svcs")


def test_a_table_shows_figures_and_ratios() -> None:
    """Three digits; what is counted, in full; a dash for what cannot be done."""
    drawn = table({"svcs": (1234.5,), peers.OURS: (2469.0,), "dishka": (None,)})

    assert drawn.markdown() == (
        "|  | speed, units |\n"
        "| --- | ---: |\n"
        "| svcs | 1,230 (1.00 ×) |\n"
        f"| **{peers.OURS}** | 2,470 (2.00 ×) |\n"
        "| dishka | – |\n"
    )


@pytest.mark.parametrize(
    ("theirs", "more_is_better", "ahead"),
    [
        pytest.param(50.0, False, True, id="faster"),
        pytest.param(99.0, False, False, id="chance"),
        pytest.param(200.0, False, False, id="slower"),
        pytest.param(200.0, True, True, id="more"),
        pytest.param(50.0, True, False, id="less"),
        pytest.param(None, False, False, id="cannot"),
    ],
)
def test_who_is_ahead_is_said(
    theirs: float | None, more_is_better: bool, ahead: bool
) -> None:
    """Nobody has to search the tables for it; the floor of it all does not count."""
    figures: dict[str, tuple[float | None, ...]] = {
        "svcs": (theirs,),
        peers.FLOOR: (200.0 if more_is_better else 1.0,),
        peers.OURS: (100.0,),
    }

    said = [*table(figures, more_is_better=more_is_better).ahead()]

    expected = ("Speeds: speed, units", "svcs", f"{theirs}", "100", "2.00 ×")
    assert [cells[:2] for cells in said] == ([expected[:2]] if ahead else [])
    assert [cells[3:] for cells in said] == ([expected[3:]] if ahead else [])


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        pytest.param(1.0, 1.0, "ok", id="at the bound"),
        pytest.param(1.01, 1.0, "over", id="over it"),
        pytest.param(1.01, None, "-", id="no bound"),
    ],
)
def test_a_bound_holds_or_does_not(
    value: float, bound: float | None, verdict: str
) -> None:
    """What is over is called over."""
    assert Result("start", value, "x", bound).verdict == verdict
