"""The projects of the how-to pages, written and served as a reader would."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final, final

from tests.docs.pages import DOCS, command
from tests.processes import LIMIT, Process, is_refused, reserved_port, running

HOW_TO: Final = DOCS / "how-to"
PROGRAMS: Final = HOW_TO / "programs"

# The log of a server that worked has none of these.
WRONG: Final = re.compile(
    "Traceback|ERROR|CRITICAL|different task|never awaited|was destroyed"
    "|ResourceWarning|RuntimeWarning"
)


def lay(program: str, site: Path) -> None:
    """Copy the files of *program* into a project, and append to its settings."""
    for path in sorted((PROGRAMS / program).rglob("*")):
        if "__pycache__" in path.parts or path.is_dir():
            continue
        if path.name == "settings_end.py":
            with (site / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
                file.write("\n" + path.read_text("utf-8"))
        else:
            to = site / path.relative_to(PROGRAMS / program)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


@final
class Served:
    """A project under the server of its page."""

    def __init__(self, process: Process, port: str) -> None:
        self.process = process
        self.port = port

    @property
    def started(self) -> list[str]:
        """The resources that have started, in order."""
        return self.process.found(r"started '(\w+)' in")

    @property
    def stopped(self) -> list[str]:
        """The resources that have stopped, in order."""
        return self.process.found(r"stopped '(\w+)' in")

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the server; each resource that started has stopped, without an error."""
        self.process.end(number)

        assert self.started, self.process.output
        assert sorted(self.stopped) == sorted(self.started), self.process.output
        wrong = [line for line in self.process.lines if WRONG.search(line)]
        assert wrong == [], self.process.output


@contextmanager
def serving(
    page: str, begins: str, site: Path, **variables: str | None
) -> Generator[Served]:
    """Serve the project at *site* by the one command of *page* that begins so."""
    port = reserved_port()
    # A developer's shell may configure servers.
    unset = dict.fromkeys(("WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "PORT"))
    arguments = command(HOW_TO / page, begins, port=port)
    for toml in site.glob("*.toml"):
        text = toml.read_text("utf-8")
        toml.write_text(text.replace("0.0.0.0:8000", f"127.0.0.1:{port}"), "utf-8")
    with running(
        *arguments, folder=site, **{"PYTHONUNBUFFERED": "1", **unset, **variables}
    ) as process:
        deadline = monotonic() + LIMIT
        while is_refused(port):
            assert monotonic() < deadline, process.output
            assert process.alive, process.output
            sleep(0.01)
        yield Served(process, port)


def run(page: str, begins: str, site: Path, **variables: str | None) -> Process:
    """Run the one command of *page* that begins so; it succeeds."""
    with running(*command(HOW_TO / page, begins), folder=site, **variables) as process:
        assert process.wait() == 0, process.output
        return process
