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
from .tables import MARGIN, Table

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


def write(
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    measured: Sequence[Result | Table],
    folder: Path = FOLDER,
) -> list[str]:
    """
    Replace the content of *folder* by what was *measured*, and copy it into the page
    beside the folder. Returns the names of the files.
    """
    tables = {each.name: each for each in measured if isinstance(each, Table)}
    results = [each for each in measured if isinstance(each, Result)]
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.md"), *folder.glob("*.svg"), *folder.glob("*.json")):
        old.unlink()
    texts = {f"{name}.md": table.markdown() for name, table in tables.items()}
    shown = {name: text or "not installed: left out" for name, text in versions.items()}
    texts["machine.md"] = _drawn(("", ""), "--", (machine | shown).items())
    texts["bounds.md"] = _drawn(
        ("", "measured", "bound", ""), "-rr-", map(_bound, results)
    )
    texts["ahead.md"] = _ahead(list(tables.values()))
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    data = {
        "machine": dict(machine),
        "versions": dict(versions),
        "results": [{**asdict(each), "verdict": each.verdict} for each in results],
        "tables": [asdict(each) for each in tables.values()],
    }
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    drawn = plots.write(tables, folder) if plots.available() else []
    page = folder.parent / PAGE
    if page.exists():
        page.write_text(copied(page.read_text("utf-8"), texts), "utf-8")
    return [*texts, "results.json", *drawn]


def copied(page: str, texts: Mapping[str, str]) -> str:
    """*page* with each of its blocks as in *texts*."""

    def block(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{texts[match['name']]}\n{match['end']}"

    return BLOCK.sub(block, page)


def _drawn(head: Sequence[str], align: str, rows: object) -> str:
    """A table in Markdown; *align* has ``r`` for columns of figures."""
    lines = [head, ["---:" if each == "r" else "---" for each in align], *rows]  # type: ignore[misc]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
    return text.replace("|  |  |\n", "| | |\n", 1)


def _bound(result: Result) -> tuple[str, ...]:
    bound = "–" if result.bound is None else f"{result.bound:g} {result.unit}"
    holds = {"ok": "holds", "over": "**does not hold**"}.get(result.verdict, "")
    return (result.name, f"{result.value:.3f} {result.unit}", bound, holds)


def _ahead(tables: Sequence[Table]) -> str:
    ahead = [cells for table in tables for cells in table.ahead()]
    head = ("what", "peer", "peer's figure", "ours", "better by")
    drawn = _drawn(head, "--rrr", ahead) if ahead else "Nowhere.\n"
    return (
        f"{drawn}\nDifferences of less than {MARGIN - 1:.0%} may be chance, and are "
        f"left out. {', '.join(FLOORS)} are no peers: they are the lowest possible "
        "cost.\n"
    )
