"""
The table of servers in the documentation agrees with servers.py.

To write it anew: ``WRITE_SERVERS_TABLE=1 pytest tests/servers/test_table.py``.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Final

from tests.processes import ROOT

from .server import Server
from .servers import SERVERS

REFERENCE: Final = ROOT / "docs" / "reference"
TABLE: Final = REFERENCE / "servers-table.md"
PAGE: Final = REFERENCE / "servers.md"

# The table stands between these on the page.
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
DOCUMENTED: Final = [server for server in SERVERS if server.title]


def described(server: Server) -> tuple[str, ...]:
    """The row of a server."""
    late = ", ".join(number.name for number in server.lazily_closed_by) or "nothing"
    if server.starts_lazily:
        sends, early, failed, waits = "no", "held", "goes on: 503", "–"
    else:
        sends, early, waits = "yes", server.early, server.stop_limit
        failed = " or ".join(map(str, server.failed_start)) or "waits for a change"
    if server.package == "daphne":
        sends, late = "no, starts with its reactor", "–"
    # As a shell has it.
    code = server.stopped if server.stopped >= 0 else 128 - server.stopped
    release = version(server.package)
    cells = (sends, early, failed, waits, str(code), server.in_flight, late)
    return (server.title, release, *cells)


def drawn(cells: tuple[str, ...]) -> str:
    """A row of Markdown."""
    return f"| {' | '.join(cells)} |"


def test_the_documentation_has_this_table() -> None:
    """Versions may differ."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(described, DOCUMENTED)]
    if "WRITE_SERVERS_TABLE" in os.environ:
        TABLE.write_text("\n".join(map(drawn, rows)) + "\n", "utf-8")
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        text = f"{before}{BEGIN}{TABLE.read_text('utf-8')}{END}{after}"
        PAGE.write_text(text, "utf-8")

    table = TABLE.read_text("utf-8")

    found = [tuple(line.strip("| ").split(" | ")) for line in table.splitlines()]
    assert [(row[0], *row[2:]) for row in found] == [(row[0], *row[2:]) for row in rows]
    assert f"{BEGIN}{table}{END}" in PAGE.read_text("utf-8")
