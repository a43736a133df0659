"""The projects of the pages, laid out as their reader would, and served."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final, final

from tests.processes import LIMIT, Process, is_refused, running
from tests.servers.servers import reserved_port

from .pages import PROGRAMS, command

# What a log has where something went wrong.
WRONG: Final = re.compile(
    "Traceback|ERROR|CRITICAL|different task|never awaited|was destroyed"
    "|ResourceWarning|RuntimeWarning"
)


def lay(program: str, site: Path) -> None:
    """Write the files of *program* into a project, and the end of its settings."""
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

    def until_listening(self) -> None:
        """Wait until somebody listens at its port."""
        give_up = monotonic() + LIMIT
        while is_refused(self.port):
            assert monotonic() < give_up, self.process.output
            assert self.process.alive, self.process.output
            sleep(0.01)

    @property
    def started(self) -> list[str]:
        """The resources that have started, in order."""
        return self.process.found(r"started '(\w+)' in")

    @property
    def stopped(self) -> list[str]:
        """The resources that have stopped, in order."""
        return self.process.found(r"stopped '(\w+)' in")

    @property
    def wrong(self) -> list[str]:
        """The lines that tell of an error."""
        return [line for line in self.process.lines if WRONG.search(line)]


@contextmanager
def serving(
    page: str, begins: str, site: Path, **variables: str | None
) -> Generator[Served]:
    """The project at *site* under the one command of *page* that begins so."""
    port = reserved_port()
    options: Mapping[str, str | None] = {
        "PYTHONUNBUFFERED": "1",
        # What a developer's shell may say about servers.
        **dict.fromkeys(("WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "PORT")),
        **variables,
    }
    arguments = command(page, begins, port=port)
    for toml in site.glob("*.toml"):
        text = toml.read_text("utf-8")
        toml.write_text(text.replace("0.0.0.0:8000", f"127.0.0.1:{port}"), "utf-8")
    with running(*arguments, folder=site, **options) as process:
        served = Served(process, port)
        served.until_listening()
        yield served


def manage(site: Path, *arguments: str, **variables: str | None) -> Process:
    """``manage.py``, which has ended well."""
    with running("manage.py", *arguments, folder=site, **variables) as process:
        assert process.wait() == 0, process.output
        return process
