"""Plots: SVG that can be read on a light page and on a dark one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .peers import BARE, FLOORS, OURS
from .tables import Table, shown_figure

# Each has a contrast of 3 or more to white and to near-black; the page is the ground.
INK: Final = "#7d828a"
OURS_INK: Final = "#d9480f"
FLOOR_INK: Final = "#8a8f98"
PEER_INKS: Final = ("#2f83d6", "#2b9348", "#9a6ae0", "#b8860b", "#c7518f")
MARKS: Final = "osD^vPX"


def available() -> bool:
    """Whether matplotlib is installed; there are tables without it."""
    try:
        _pyplot()
    except ModuleNotFoundError:
        return False
    return True


def write(tables: Mapping[str, Table], folder: Path) -> list[str]:
    """Draw what there is to draw of *tables*; the names of the files."""
    groups: dict[str, tuple[Any, list[str]]] = {
        "fetching.svg": (_bars, ["fetching"]),
        "starts.svg": (
            _lines,
            ["starts-independent", "starts-layered", "starts-chained"],
        ),
        "starts-pausing.svg": (_bars, ["starts-pausing"]),
        "growth.svg": (_lines, ["growth-count", "growth-depth"]),
    }
    written: list[str] = []
    for name, (draw, wanted) in groups.items():
        if all(each in tables for each in wanted):
            draw([tables[each] for each in wanted], folder / name)
            written.append(name)
    return written


def _pyplot() -> Any:
    os.environ.setdefault("MPLBACKEND", "svg")
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update(
        {
            # Text stays text; the same figures make the same file.
            "svg.fonttype": "none",
            "svg.hashsalt": "benchmarks",
            "font.family": "sans-serif",
            "font.size": 9,
            "text.color": INK,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlesize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    return plt


def _bars(tables: Sequence[Table], path: Path) -> None:
    """The last column of a table, a bar to each row."""
    (table,) = tables
    rows = [(name, figures[-1]) for name, figures in table.rows.items()]
    shown = [(name, figure) for name, figure in rows if figure is not None]
    names = [name.replace("`", "") for name, _ in shown]
    figures = [figure for _, figure in shown]
    inks = [_bar_ink(table.library.get(name, name)) for name, _ in shown]
    figure, axes = _pyplot().subplots(figsize=(7.5, 0.9 + 0.27 * len(shown)))
    bars = axes.barh(names, figures, color=inks, height=0.65)
    axes.invert_yaxis()
    axes.bar_label(bars, [shown_figure(each) for each in figures], padding=3, color=INK)
    axes.margins(x=0.12)
    column = table.columns[-1]
    axes.set_xlabel(f"{column.name}, {column.unit} (less is better)")
    axes.set_title(table.title, color=INK)
    _save(figure, path)


def _lines(tables: Sequence[Table], path: Path) -> None:
    """A panel to each table, a line to each row."""
    pyplot = _pyplot()
    figure, panels = pyplot.subplots(
        1, len(tables), figsize=(3.1 * len(tables) + 1, 3.4), sharey=True
    )
    names = list(dict.fromkeys(name for table in tables for name in table.rows))
    peers = [name for name in names if name not in {OURS, *FLOORS}]
    for table, axes in zip(tables, panels, strict=True):
        at = [
            float(column.name.rpartition(" ")[2].replace(",", ""))
            for column in table.columns
        ]
        for name, figures in table.rows.items():
            if None in figures:
                continue
            axes.plot(
                at,
                figures,
                label=name,
                color=_line_ink(name, peers),
                marker=MARKS[names.index(name) % len(MARKS)],
                markersize=4,
                linewidth=2.2 if name == OURS else 1.4,
                linestyle="--" if name in FLOORS else "-",
            )
        axes.set(xscale="log", yscale="log")
        axes.set_title(_wrapped(table.title), color=INK)
        axes.set_xlabel("depth of the plan" if "depth" in table.title else "resources")
        axes.grid(color=INK, alpha=0.25, linewidth=0.5)
    panels[0].set_ylabel("µs each (less is better)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="lower center",
        ncols=min(len(labels), 3),
        frameon=False,
        labelcolor=INK,
    )
    figure.subplots_adjust(bottom=0.28)
    _save(figure, path)


def _wrapped(title: str) -> str:
    return title.replace(", ", ",\n").replace(" by ", "\nby ")


def _bar_ink(library: str) -> str:
    if library == OURS:
        return OURS_INK
    return FLOOR_INK if library in {BARE, *FLOORS} else PEER_INKS[0]


def _line_ink(name: str, peers: Sequence[str]) -> str:
    if name == OURS:
        return OURS_INK
    if name in FLOORS:
        return FLOOR_INK
    return PEER_INKS[peers.index(name) % len(PEER_INKS)]


def _save(figure: Any, path: Path) -> None:
    pyplot = _pyplot()
    figure.savefig(
        path,
        format="svg",
        transparent=True,
        bbox_inches="tight",
        metadata={"Date": None, "Creator": "tests.benchmarks"},
    )
    pyplot.close(figure)
    # matplotlib leaves spaces at the ends of lines.
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", "utf-8")
