"""A quick run measures everything, and the page shows a full one."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.processes import UNMEASURED, running

from . import __main__ as command, client, peers, plots, shapes, writing
from .measuring import Result
from .tables import Column, Table

PAGE = (writing.FOLDER.parent / writing.PAGE).read_text("utf-8")
BLOCKS = {match["name"]: match["body"] for match in writing.BLOCK.finditer(PAGE)}
FILES = {path.name: path for path in writing.FOLDER.iterdir()}


def tables(folder: Path) -> dict[str, dict[str, object]]:
    data = json.loads((folder / "results.json").read_text("utf-8"))
    return {table["name"]: table for table in data["tables"]}


@pytest.mark.timeout(600)  # some seconds on a quiet machine
def test_a_quick_run_measures_and_writes_everything(tmp_path: Path) -> None:
    """It has each table and library that the documentation has."""
    folder = tmp_path / "_performance"
    (tmp_path / writing.PAGE).write_text(PAGE, "utf-8")

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
    measured, documented = tables(folder), tables(writing.FOLDER)
    assert measured.keys() == documented.keys()
    for name, table in documented.items():
        rows = [
            row
            for row in table["rows"]  # type: ignore[attr-defined]
            if row.partition(":")[0] not in peers.missing()
        ]
        assert list(measured[name]["rows"]) == rows  # type: ignore[call-overload]
    names = {path.name for path in folder.iterdir()}
    plotted = {name for name in FILES if name.endswith(".svg")}
    assert names == FILES.keys() - (set() if plots.available() else plotted)
    copy = (tmp_path / writing.PAGE).read_text("utf-8")
    copied = {match["name"]: match["body"] for match in writing.BLOCK.finditer(copy)}
    for name in BLOCKS:
        assert copied[name] == f"\n{(folder / name).read_text('utf-8')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "no section"),
        (["access", "--write"], "takes all sections"),
        (["--quick", "--write"], "too little"),
    ],
)
def test_misleading_options_are_refused(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", *arguments])

    with pytest.raises(SystemExit):
        command.main()

    assert message in capsys.readouterr().err


# --- The page


def test_the_page_shows_the_written_files() -> None:
    """A misspelt mark of a block would leave old figures."""
    plotted = re.findall(r"!\[[^]]+\]\(_performance/([\w-]+\.svg)\)", PAGE)
    marks = re.findall(r"^<!--.*-->$", PAGE, re.MULTILINE)

    assert FILES.keys() == {*BLOCKS, *plotted, "results.json"}
    assert len(marks) == 2 * len(BLOCKS)
    for name, body in BLOCKS.items():
        assert body == f"\n{FILES[name].read_text('utf-8')}\n"


def test_no_figure_is_written_by_hand() -> None:
    by_hand = writing.BLOCK.sub("", PAGE)

    units = r"ns|[uµm]s|s|seconds|bytes|[kKM]i?B|MB|%|×|x|times|requests/s"
    assert re.findall(rf"\b\d[\d.,]*\s?(?:{units})(?!\w).*", by_hand) == []


def test_the_figures_are_from_a_full_run_with_every_peer() -> None:
    data = json.loads(FILES["results.json"].read_text("utf-8"))
    starts = tables(writing.FOLDER)["starts-chained"]

    assert list(data["versions"]) == peers.distributions()
    assert all(data["versions"].values())
    columns: list[dict[str, str]] = starts["columns"]  # type: ignore[assignment]
    assert columns[-1]["name"] == "N = 1,000"


# --- The parts


@pytest.mark.parametrize("name", peers.having("starting"))
@pytest.mark.parametrize("shape", shapes.SHAPES)
async def test_every_library_starts_each_resource_after_its_dependencies(
    name: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = shapes.SHAPES[shape](12)
    started: list[type] = []
    kinds = [
        type(f"Kind{n}", (), {"__init__": lambda self: started.append(type(self))})
        for n in range(12)
    ]
    module = peers.having("starting")[name]
    monkeypatch.setattr(module, "KINDS", kinds)
    starting = module.starting(plan, 0)
    if starting is None:
        assert name == "django-asgi-lifespan"
        return

    async with starting():
        order = [kinds.index(kind) for kind in started]

    assert sorted(order) == list(range(12))
    for number, needs in enumerate(plan):
        assert all(order.index(need) < order.index(number) for need in needs)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"",
    ],
    ids=["an error", "no length", "nothing"],
)
async def test_the_load_generator_counts_pages_only(answer: bytes) -> None:
    """A server that fails fast is not fast."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(ConnectionError):
        await client.load(port, 2, 60)

    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("theirs", "more_is_better", "ahead"),
    [
        (50.0, False, True),
        (99.0, False, False),
        (200.0, False, False),
        (200.0, True, True),
        (None, False, False),
    ],
)
def test_a_table_knows_where_a_peer_is_ahead(
    theirs: float | None, more_is_better: bool, ahead: bool
) -> None:
    """The lowest possible cost is no peer."""
    floor = 200.0 if more_is_better else 1.0
    rows = {"svcs": (theirs,), peers.FLOOR: (floor,), peers.OURS: (100.0,)}
    columns = (Column("speed", "units", more_is_better),)

    found = [*Table("speeds", "Speeds", columns, rows, baseline="svcs").ahead()]

    assert [cells[1] for cells in found] == (["svcs"] if ahead else [])


def test_a_bound_includes_its_value() -> None:
    verdicts = [Result("start", 1.0, "x", bound).verdict for bound in (1.0, 0.9, None)]

    assert verdicts == ["ok", "over", "-"]
