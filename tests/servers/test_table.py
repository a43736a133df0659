"""
The table in the documentation: what the tests beside this one hold every server to.

To write it anew, after a server has changed and the tests were told so in servers.py:
``WRITE_SERVERS_TABLE=1 pytest tests/servers/test_table.py``.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from .servers import SERVERS, Server, each

REFERENCE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"
TABLE: Final = REFERENCE / "servers-table.md"
PAGE: Final = REFERENCE / "servers.md"

# What the table stands between on the page.
BEGIN: Final = "<!-- servers-table.md, written by tests/servers/test_table.py -->\n\n"
END: Final = "\n<!-- end of servers-table.md -->"

HEADINGS: Final = (
    "server",
    "version",
    "sends a lifespan",
    "connects before the start",
    "failed start: exit code",
    "waits for the shutdown",
    "SIGTERM: exit code",
    "in flight at SIGTERM",
    "late start: closed on",
)


def described(server: Server) -> tuple[str, ...]:
    """What the tests hold *server* to, in words."""
    late = ", ".join(number.name for number in server.lazily_closed_by) or "nothing"
    if server.starts_lazily:
        sends, early, failed, waits = "no", "held", "goes on: 503", "–"
    else:
        sends, early, waits = "yes", server.early, server.stop_limit
        failed = " or ".join(map(str, server.failed_start)) or "waits for a change"
    if server.package == "daphne":
        sends, late = "no, starts with its reactor", "as above"
    # As a shell has it.
    code = server.stopped if server.stopped >= 0 else 128 - server.stopped
    release = version(server.package)
    cells = (sends, early, failed, waits, str(code), server.in_flight, late)
    return (server.title, release, *cells)


def drawn(cells: tuple[str, ...]) -> str:
    """A row of Markdown."""
    return f"| {' | '.join(cells)} |"


def rows() -> dict[str, tuple[str, ...]]:
    """What the documentation has, by server."""
    lines = TABLE.read_text("utf-8").splitlines()[2:]
    split = [tuple(line.strip("| ").split(" | ")) for line in lines]
    return {cells[0]: cells for cells in split}


@pytest.fixture(autouse=True, scope="module")
def written() -> None:
    """The table and the page, written anew if that is wanted."""
    if "WRITE_SERVERS_TABLE" in os.environ:
        lines = [HEADINGS, ("---",) * len(HEADINGS), *map(described, SERVERS)]
        table = "\n".join(map(drawn, lines)) + "\n"
        TABLE.write_text(table, "utf-8")
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", "utf-8")


@each(SERVERS)
def test_the_table_says_what_is_tested(server: Server) -> None:
    """Its row is what the tests hold the server to; versions may move on."""
    row = rows()[server.title]

    expected = described(server)
    assert row[:1] + row[2:] == expected[:1] + expected[2:]


def test_the_table_has_these_servers_and_no_other() -> None:
    """Each once, in order, under the headings."""
    first, *_ = TABLE.read_text("utf-8").splitlines()

    assert first == drawn(HEADINGS)
    assert list(rows()) == [server.title for server in SERVERS]


def test_the_page_has_the_table() -> None:
    """Word for word."""
    assert f"{BEGIN}{TABLE.read_text('utf-8')}{END}" in PAGE.read_text("utf-8")
