"""The results in the documentation: tables, plots, and the page that quotes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from . import plots
from .measuring import Result
from .peers import FLOORS
from .tables import MARGIN, Table

FOLDER: Final = (
    Path(__file__).resolve().parents[2] / "docs" / "explanation" / "_performance"
)
PAGE: Final = "performance.md"

# On the page, what stands between two such comments is a file beside the tables.
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
    Replace all that is in *folder* by what was *measured*, and quote it on the page
    beside it. Returns the names of what was written.
    """
    tables = {each.name: each for each in measured if isinstance(each, Table)}
    results = [each for each in measured if isinstance(each, Result)]
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.md"), *folder.glob("*.svg"), *folder.glob("*.json")):
        old.unlink()
    texts = {f"{name}.md": table.markdown() for name, table in tables.items()}
    texts["machine.md"] = _machine(machine, versions)
    texts["bounds.md"] = _bounds(results)
    texts["ahead.md"] = _ahead(list(tables.values()))
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    data = as_data(machine, versions, measured)
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    drawn = plots.write(tables, folder) if plots.available() else []
    page = folder.parent / PAGE
    if page.exists():
        page.write_text(quoted(page.read_text("utf-8"), texts), "utf-8")
    return [*texts, "results.json", *drawn]


def quoted(page: str, texts: Mapping[str, str]) -> str:
    """*page* with each of its blocks as in *texts*."""

    def block(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{texts[match['name']]}\n{match['end']}"

    return BLOCK.sub(block, page)


def as_data(
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    measured: Sequence[Result | Table],
) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "machine": dict(machine),
        "versions": dict(versions),
        "results": [
            {**asdict(each), "verdict": each.verdict}
            for each in measured
            if isinstance(each, Result)
        ],
        "tables": [asdict(each) for each in measured if isinstance(each, Table)],
    }


def _machine(machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    lines = [f"| {name} | {value} |" for name, value in machine.items()]
    lines += [
        f"| {name} | {value or 'not installed: left out'} |"
        for name, value in versions.items()
    ]
    return "\n".join(["| | |", "| --- | --- |", *lines]) + "\n"


def _bounds(results: Sequence[Result]) -> str:
    lines = ["| | measured | bound | |", "| --- | ---: | ---: | --- |"]
    for result in results:
        bound = "–" if result.bound is None else f"{result.bound:g} {result.unit}"
        holds = {"ok": "holds", "over": "**does not hold**"}.get(result.verdict, "")
        figure = f"{result.value:.3f} {result.unit}"
        lines.append(f"| {result.name} | {figure} | {bound} | {holds} |")
    return "\n".join(lines) + "\n"


def _ahead(tables: Sequence[Table]) -> str:
    ahead = [cells for table in tables for cells in table.ahead()]
    head = ("what", "peer", "peer's figure", "ours", "better by")
    lines = [head, ("---", "---", "---:", "---:", "---:"), *ahead]
    drawn = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return (
        f"{drawn if ahead else 'Nowhere.'}\n\nWhat differs by less than "
        f"{MARGIN - 1:.0%} may be chance, and is left out. "
        f"{', '.join(FLOORS)} are no peers, but the least that anything costs.\n"
    )
