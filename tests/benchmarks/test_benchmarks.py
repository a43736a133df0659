"""The benchmarks: they run, and say what they are to say, whatever they measure."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.processes import running

from . import __main__ as command, fetching, peers, plots, writing
from .measuring import Effort

QUICK = Effort(quick=True)

DJANGO = [peers.PLAIN, "django-asgi-lifespan", peers.OURS]
STARTING = [
    peers.OURS,
    "django-asgi-lifespan",
    "svcs",
    "dishka",
    "dependency-injector",
    peers.FLOOR,
]
FETCHING = [
    peers.BARE,
    peers.OURS,
    "django-asgi-lifespan",
    "Starlette",
    "aiohttp",
    "svcs",
    "dishka",
    "Litestar",
]

# Every table, and the libraries in it if they are installed.
TABLES = {
    "fetching": FETCHING,
    "requests": DJANGO,
    "load": DJANGO,
    "starts-independent": STARTING,
    "starts-layered": STARTING,
    "starts-chained": STARTING,
    "starts-pausing": STARTING,
    "growth-count": [peers.OURS, peers.FLOOR],
    "growth-depth": [peers.OURS, peers.FLOOR],
    "imports": STARTING[:-1],
    "memory-resources": STARTING,
    "memory-requests": DJANGO,
}
DRAWN = {"fetching.svg", "starts.svg", "starts-pausing.svg", "growth.svg"}


def installed(names: list[str]) -> list[str]:
    return [name for name in names if name not in peers.missing()]


@pytest.mark.timeout(600)  # some seconds, where nothing else runs
def test_a_quick_run_measures_everything_and_writes_it(tmp_path: Path) -> None:
    """From the command to the page: each section, each table, each library."""
    folder = tmp_path / "_performance"
    page = tmp_path / writing.PAGE
    marks = {f"{name}.md" for name in [*TABLES, "machine", "bounds", "ahead"]}
    blocks = "".join(
        f"<!-- {name}, written by `make bench` -->\n\nold\n<!-- end of {name} -->\n"
        for name in sorted(marks)
    )
    page.write_text(blocks, "utf-8")

    with running(
        *("-W", "error", "-m", "tests.benchmarks", "--quick", f"--write={folder}"),
        folder=tmp_path,
        PYTHONDEVMODE=None,
    ) as process:
        for section in command.SECTIONS:  # each has a time limit of its own
            process.until(f"^{section}$")
        process.until("^written: ")
        code = process.wait()

    assert code == 0, process.output
    sections = [line for line in process.lines if line in command.SECTIONS]
    assert sections == list(command.SECTIONS)
    data = json.loads((folder / "results.json").read_text("utf-8"))
    rows = {table["name"]: list(table["rows"]) for table in data["tables"]}
    libraries = {
        name: [*dict.fromkeys(row.partition(":")[0] for row in theirs)]
        for name, theirs in rows.items()
    }
    assert libraries == {name: installed(each) for name, each in TABLES.items()}
    figures = [
        figure
        for table in data["tables"]
        for row in table["rows"].values()
        for figure in row
        if figure is not None
    ]
    assert {type(figure) for figure in figures} == {int, float}
    assert {result["verdict"] for result in data["results"]} <= {"ok", "over", "-"}
    assert {name for name in marks if not (folder / name).exists()} == set()
    drawn = {path.name for path in folder.glob("*.svg")}
    assert drawn == (DRAWN if plots.available() else set())
    quoted = {
        found["name"]: found["body"]
        for found in writing.BLOCK.finditer(page.read_text("utf-8"))
    }
    texts = {name: (folder / name).read_text("utf-8") for name in marks}
    assert quoted == {name: f"\n{text}\n" for name, text in texts.items()}


def test_a_peer_that_is_not_installed_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are measured all the same."""
    named = {"No-Such-Peer": "no_such_peer", **peers.MODULES}
    monkeypatch.setattr(peers, "MODULES", named)

    command._say_what_is_missing()
    (table,) = fetching.results(QUICK)

    assert capsys.readouterr().out.splitlines()[0] == (
        "not installed, and left out: no-such-peer (pip install -e '.[bench]')"
    )
    assert [*dict.fromkeys(table.library.values())] == installed(FETCHING)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nonsense"], "no section nonsense", id="section"),
        pytest.param(
            ["access", "--write"],
            "--write takes all sections: one machine, one run",
            id="a part of the documentation",
        ),
        pytest.param(
            ["--quick", "--write"],
            "--quick measures too little for the documentation",
            id="quick documentation",
        ),
    ],
)
def test_what_would_mislead_is_refused(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is measured."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])

    with pytest.raises(SystemExit) as exit_:
        command.main()

    assert exit_.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")
