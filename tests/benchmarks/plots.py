"""Plots: SVG that can be read on a light page and on a dark one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from .peers import BARE, FLOORS, OURS
from .tables import Column, Table, shown_figure

# Each has a contrast of 3 or more to white and to near-black; the page is the ground.
INK: Final = "#7d828a"
OURS_INK: Final = "#d9480f"
PEER_INKS: Final = ("#2f83d6", "#2b9348", "#9a6ae0", "#b8860b", "#c7518f")
MARKS: Final = "osD^vPX"

STYLE: Final = {
    # Text stays text; the same figures make the same file.
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}

BARS: Final = ("fetching", "starts-pausing")
LINES: Final = {
    "starts": ("starts-independent", "starts-layered", "starts-chained"),
    "growth": ("growth-count", "growth-depth"),
}


def available() -> bool:
    """Whether matplotlib is installed; there are tables without it."""
    return find_spec("matplotlib") is not None


def write(tables: Mapping[str, Table], folder: Path) -> list[str]:
    """Draw the plots of the page; the names of the files."""
    figures = {"summary": _summary(tables)}
    figures |= {name: _bars(tables[name]) for name in BARS}
    for name, panels in LINES.items():
        figures[name] = _lines([tables[panel] for panel in panels])
    for name, figure in figures.items():
        _save(figure, folder / f"{name}.svg")
    return [f"{name}.svg" for name in figures]


def _pyplot() -> Any:
    os.environ.setdefault("MPLBACKEND", "svg")
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update(STYLE)
    return plt


def _summary(tables: Mapping[str, Table]) -> Any:
    """The cost of a request, and of a lookup in it: narrow enough for a phone."""
    requests, lookups = tables["requests"], fastest(tables["fetching"])
    heights = [len(table.rows) for table in (requests, lookups)]
    figure, (above, below) = _pyplot().subplots(
        2,
        1,
        figsize=(4.6, 1.4 + 0.27 * sum(heights)),
        height_ratios=heights,
        layout="constrained",
    )
    figure.get_layout_engine().set(h_pad=0.1)
    _draw_bars(above, requests, requests.columns[0], "One request")
    _draw_bars(below, lookups, lookups.columns[0], "One lookup in a request")
    return figure


def fastest(table: Table) -> Table:
    """The first row of each library, and the fastest if it shows several."""
    rows: dict[str, tuple[float | None, ...]] = {}
    for name, figures in table.rows.items():
        library = table.library.get(name, name)
        if name == table.ours or library not in rows:
            rows[library] = figures
        elif library != OURS:
            rows[library] = min(rows[library], figures, key=lambda each: each[0] or 0)
    return replace(table, rows=rows, library={})


def _bars(table: Table) -> Any:
    """The last column of a table, a bar for each row."""
    bars = sum(figures[-1] is not None for figures in table.rows.values())
    figure, axes = _pyplot().subplots(figsize=(7.5, 0.9 + 0.27 * bars))
    _draw_bars(axes, table, table.columns[-1], table.title)
    return figure


def _draw_bars(axes: Any, table: Table, column: Column, title: str) -> None:
    position = table.columns.index(column)
    rows = {
        name: figures[position]
        for name, figures in table.rows.items()
        if figures[position] is not None
    }
    libraries = [table.library.get(name, name) for name in rows]
    bars = axes.barh(
        [name.replace("`", "") for name in rows],
        [*rows.values()],
        color=[_ink(library, PEER_INKS[0]) for library in libraries],
        height=0.65,
    )
    axes.invert_yaxis()
    axes.bar_label(bars, [shown_figure(each) for each in rows.values()], padding=3)
    axes.margins(x=0.12)
    axes.set_xlabel(f"{column.name}, {column.unit} (less is better)")
    axes.set_title(title)


def _lines(tables: Sequence[Table]) -> Any:
    """A panel for each table, a line for each row."""
    figure, panels = _pyplot().subplots(
        1, len(tables), figsize=(3.1 * len(tables) + 1, 3.4), sharey=True
    )
    for table, axes in zip(tables, panels, strict=True):
        at = [
            float(column.name.rpartition(" ")[2].replace(",", ""))
            for column in table.columns
        ]
        for number, (name, figures) in enumerate(table.rows.items()):
            if None not in figures:
                axes.plot(
                    at,
                    figures,
                    label=name,
                    color=_ink(name, PEER_INKS[number % len(PEER_INKS)]),
                    marker=MARKS[number],
                    markersize=4,
                    linewidth=2.2 if name == OURS else 1.4,
                    linestyle="--" if name in FLOORS else "-",
                )
        axes.set(xscale="log", yscale="log")
        axes.set_title(table.title.replace(", ", ",\n").replace(" by ", "\nby "))
        axes.set_xlabel("depth of the plan" if "depth" in table.title else "resources")
        axes.grid(color=INK, alpha=0.25, linewidth=0.5)
    panels[0].set_ylabel("µs each (less is better)")
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="lower center",
        ncols=3,
        frameon=False,
    )
    figure.subplots_adjust(bottom=0.28)
    return figure


def _ink(library: str, otherwise: str) -> str:
    if library == OURS:
        return OURS_INK
    return INK if library in {BARE, *FLOORS} else otherwise


def _save(figure: Any, path: Path) -> None:
    figure.savefig(
        path,
        format="svg",
        transparent=True,
        bbox_inches="tight",
        metadata={"Date": None, "Creator": "tests.benchmarks"},
    )
    _pyplot().close(figure)
    # matplotlib leaves spaces at the ends of lines.
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", "utf-8")
