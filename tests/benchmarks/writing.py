"""The results in the documentation: tables, plots, and the page that includes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from . import plots
from .measuring import Result
from .peers import FLOORS
from .tables import MARGIN, Table, markdown

FOLDER: Final = (
    Path(__file__).resolve().parents[2] / "docs" / "explanation" / "_performance"
)
PAGE: Final = "performance.md"

# The page has a copy of a file between two such comments.
BLOCK: Final = re.compile(
    r"(?P<begin><!-- (?P<name>[\w.-]+\.md), written by `make bench` -->\n)"
    r"(?P<body>.*?)"
    r"(?P<end><!-- end of (?P=name) -->)",
    re.DOTALL,
)

VERDICTS: Final = {"ok": "holds", "over": "**does not hold**", "-": ""}


def write(
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    measured: Sequence[Result | Table],
    folder: Path,
) -> list[str]:
    """
    Replace the content of *folder* by what was *measured*, and copy it into the page
    beside the folder. Returns the names of the files.
    """
    tables = {each.name: each for each in measured if isinstance(each, Table)}
    results = [each for each in measured if isinstance(each, Result)]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    texts = {f"{name}.md": table.markdown() for name, table in tables.items()}
    shown = {name: text or "not installed: left out" for name, text in versions.items()}
    texts["machine.md"] = markdown(("", ""), {**machine, **shown}.items(), (0, 1))
    head = ("", "measured", "bound", "")
    texts["bounds.md"] = markdown(head, map(_bound, results), (0, 3))
    texts["ahead.md"] = _ahead([*tables.values()])
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    data = {
        "machine": dict(machine),
        "versions": dict(versions),
        "results": [{**asdict(each), "verdict": each.verdict} for each in results],
        "tables": [asdict(each) for each in tables.values()],
    }
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    page = folder.parent / PAGE
    written = BLOCK.sub(
        lambda match: f"{match['begin']}\n{texts[match['name']]}\n{match['end']}",
        page.read_text("utf-8"),
    )
    page.write_text(written, "utf-8")
    drawn = plots.write(tables, folder) if plots.available() else []
    return [*texts, "results.json", *drawn]


def _bound(result: Result) -> tuple[str, ...]:
    bound = "–" if result.bound is None else f"{result.bound:g} {result.unit}"
    measured = f"{result.value:.3f} {result.unit}"
    return result.name, measured, bound, VERDICTS[result.verdict]


def _ahead(tables: Sequence[Table]) -> str:
    head = ("what", "peer", "peer's figure", "ours", "better by")
    rows = [cells for table in tables for cells in table.ahead()]
    table = markdown(head, rows, (0, 1)) if rows else "Nowhere.\n"
    return (
        f"{table}\n"
        f"Differences of less than {MARGIN - 1:.0%} may be chance, and are left out. "
        f"{', '.join(FLOORS)} are no peers: they are the lowest possible cost.\n"
    )
