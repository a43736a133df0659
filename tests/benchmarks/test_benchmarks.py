"""A quick run measures everything, and the page shows a full one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.processes import UNMEASURED, running

from . import __main__ as command, peers, plots, shapes, writing
from .peers.value import KINDS

PAGE = (writing.FOLDER.parent / writing.PAGE).read_text("utf-8")
PLOTS = {path.name for path in writing.FOLDER.glob("*.svg")}


def blocks(page: str) -> dict[str, str]:
    return {match["name"]: match["body"] for match in writing.BLOCK.finditer(page)}


def results(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "results.json").read_text("utf-8"))
    return data


def rows(folder: Path) -> dict[str, list[str]]:
    """The installed libraries of each table."""
    missing = peers.missing()
    return {
        table["name"]: [
            row for row in table["rows"] if row.partition(":")[0] not in missing
        ]
        for table in results(folder)["tables"]
    }


@pytest.mark.timeout(600)  # some seconds on a quiet machine
def test_a_quick_run_measures_and_writes_everything(tmp_path: Path) -> None:
    """It has each table, bound and library that the documentation has."""
    folder = tmp_path / "_performance"
    page = tmp_path / writing.PAGE
    page.write_text(PAGE, "utf-8")

    with running(
        *("-W", "error", "-m", "tests.benchmarks", "--quick", f"--write={folder}"),
        folder=tmp_path,
        PYTHONDEVMODE=None,
        **UNMEASURED,
    ) as process:
        for section in command.SECTIONS:  # each has a time limit of its own
            process.until(f"^{section}$")
        process.until("^written: ")
        code = process.wait()

    assert code == 0, process.output
    assert rows(folder) == rows(writing.FOLDER)
    assert len(results(folder)["results"]) == len(results(writing.FOLDER)["results"])
    drawn = PLOTS if plots.available() else set()
    assert {path.name for path in folder.iterdir()} == {"results.json", *drawn}
    written = blocks(page.read_text("utf-8"))
    same = [name for name, body in blocks(PAGE).items() if written[name] == body]
    assert same == []


def test_the_page_shows_every_table_and_plot_of_a_full_run() -> None:
    """A misspelt mark of a block would leave old figures."""
    plotted = re.findall(r"!\[[^]]+\]\(_performance/([\w-]+\.svg)\)", PAGE)
    marks = re.findall(r"^<!--.*-->$", PAGE, re.MULTILINE)
    shown = blocks(PAGE)

    assert set(plotted) == PLOTS
    written = {"summary", "machine", "bounds", "ahead"}
    assert shown.keys() == {*written, *rows(writing.FOLDER)}
    assert len(marks) == 2 * len(shown)
    assert "N = 1,000" in shown["starts-chained"]
    not_peers = {peers.OURS, *peers.FLOORS}
    assert list(results(writing.FOLDER)["versions"]) == [
        name.lower() for name in peers.MODULES if name not in not_peers
    ]


def test_no_figure_is_written_by_hand() -> None:
    by_hand = writing.BLOCK.sub("", PAGE)

    units = r"ns|[uµm]s|s|seconds|bytes|[kKM]i?B|MB|%|×|x|times|requests/s"
    assert re.findall(rf"\b\d[\d.,]*\s?(?:{units})(?!\w).*", by_hand) == []


@pytest.mark.parametrize("name", peers.having("starting"))
@pytest.mark.parametrize("shape", shapes.SHAPES)
async def test_every_library_starts_each_resource_after_its_dependencies(
    name: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = shapes.SHAPES[shape](12)
    order: list[int] = []
    for number, kind in enumerate(KINDS[:12]):
        record = lambda self, number=number: order.append(number)  # noqa: E731
        monkeypatch.setattr(kind, "__init__", record)
    starting = peers.having("starting")[name].starting(plan, 0)
    if starting is None:
        assert name == "django-asgi-lifespan"
        return

    async with starting():
        pass

    assert sorted(order) == list(range(12))
    for number, needs in enumerate(plan):
        assert all(order.index(need) < order.index(number) for need in needs)
