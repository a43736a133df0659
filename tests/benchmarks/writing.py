"""The results in the documentation: the tables of a page, and plots beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.processes import ROOT

from . import plots
from .measuring import Result
from .peers import FLOORS, OURS, PLAIN
from .tables import MARGIN, Table, markdown, shown_figure

FOLDER: Final = ROOT / "docs" / "explanation" / "_performance"
PAGE: Final = "performance.md"

# The page has a table between two such comments.
BLOCK: Final = re.compile(
    r"(?P<begin><!-- (?P<name>[\w-]+), written by `make bench` -->\n)"
    r"(?P<body>.*?)"
    r"(?P<end><!-- end of (?P=name) -->)",
    re.DOTALL,
)

VERDICTS: Final = {"ok": "holds", "over": "**does not hold**", "-": ""}


def write(
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    results: Sequence[Result],
    tables: Mapping[str, Table],
    folder: Path,
) -> list[str]:
    """
    Replace the content of *folder*, and the tables of the page beside it. Returns the
    names of the tables and files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    data = {
        "machine": dict(machine),
        "versions": dict(versions),
        "results": [{**asdict(each), "verdict": each.verdict} for each in results],
        "tables": [asdict(each) for each in tables.values()],
    }
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    texts = {
        "summary": _summary(tables),
        "machine": markdown(("", ""), {**machine, **versions}.items(), (0, 1)),
        "bounds": _bounds(results),
        "ahead": _ahead(tables.values()),
        **{name: table.markdown() for name, table in tables.items()},
    }
    page = folder.parent / PAGE
    written = BLOCK.sub(
        lambda match: f"{match['begin']}\n{texts[match['name']]}\n{match['end']}",
        page.read_text("utf-8"),
    )
    page.write_text(written, "utf-8")
    drawn = plots.write(tables, folder) if plots.available() else []
    return [*texts, "results.json", *drawn]


def _summary(tables: Mapping[str, Table]) -> str:
    requests, lookups = tables["requests"], tables["fetching"]
    plain, ours = _figure(requests, PLAIN), _figure(requests, OURS)
    lookup = _figure(lookups, lookups.ours) / 1_000
    return (
        f"A request with this package takes {ours / plain:.2f} times the CPU time of a "
        f"request of plain Django ({shown_figure(plain)} µs), and the first lookup of "
        f"a resource in it takes {shown_figure(lookup)} µs.\n"
    )


def _figure(table: Table, row: str) -> float:
    figure = table.rows[row][0]
    assert figure is not None
    return figure


def _bounds(results: Sequence[Result]) -> str:
    rows = [
        (
            each.name,
            f"{each.value:.3f} {each.unit}",
            "–" if each.bound is None else f"{each.bound:g} {each.unit}",
            VERDICTS[each.verdict],
        )
        for each in results
    ]
    return markdown(("", "measured", "bound", ""), rows, (0, 3))


def _ahead(tables: Iterable[Table]) -> str:
    head = ("measurement", "library", "its figure", "ours", "better by")
    rows = [cells for table in tables for cells in table.ahead()]
    table = markdown(head, rows, (0, 1)) if rows else "Nowhere.\n"
    return (
        f"{table}\n"
        f"Differences of less than {MARGIN - 1:.0%} may be chance, and are left out. "
        f"The rows {', '.join(FLOORS)} are left out, too: "
        "they are the lowest possible cost.\n"
    )
