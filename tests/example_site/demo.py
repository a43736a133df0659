"""The demo as a child process, on a port that the system chose."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import final

import httpx

from tests.processes import LIMIT, ROOT, Process, running


def running_command(
    *command: str, folder: Path, **variables: str
) -> AbstractContextManager[Process]:
    """A command, without what a developer's shell may say about the demo."""
    unsaid = {"BOOK_SERVICE_URL": None, "PORT": None}
    return running(*command, folder=folder, **{**unsaid, **variables})


@final
class Demo:
    """``python -m example_site``, and what it says."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def url(self) -> str:
        """Where the site is, as it says itself once it serves."""
        return self.process.until(r"The library is open: (http://\S+) ")

    @property
    def book_service_url(self) -> str:
        """Where its books come from, as its signal receiver says."""
        return self.process.until(r"books come from (http://\S+)")

    @property
    def stopped(self) -> list[str]:
        """The resources that have stopped, in order."""
        return self.process.found(r": stopped '(\w+)'")

    def client(self) -> httpx.Client:
        """A browser, so to speak."""
        return httpx.Client(base_url=self.url, timeout=LIMIT, trust_env=False)


@contextmanager
def running_demo(**variables: str) -> Generator[Demo]:
    """The demo, started now and gone when the block ends."""
    command = ("-m", "example_site")
    with running_command(*command, folder=ROOT, PORT="0", **variables) as process:
        yield Demo(process)
