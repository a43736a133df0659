"""The demo as a child process, on a port that the system chose."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import httpx
from websockets import Origin

from tests.processes import LIMIT, ROOT, Process, running

MANAGE = str(ROOT / "example_site" / "manage.py")


def running_command(
    *command: str, folder: Path, **variables: str
) -> AbstractContextManager[Process]:
    """A command, without what a developer's shell may say about the demo."""
    names = "BOOK_SERVICE_URL", "DEBUG", "PORT", "RUNSERVER", "SERVER", "WINDOW_SECONDS"
    unsaid = dict.fromkeys(names)
    database = str(folder / "library.sqlite3")
    own = {"DATABASE": database, "PYTHONUNBUFFERED": "1"}
    return running(*command, folder=folder, **{**unsaid, **own, **variables})


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
    def socket_url(self) -> str:
        """Where its websocket is."""
        return self.url.replace("http", "ws", 1) + "live/socket/"

    @property
    def origin(self) -> Origin:
        """What a browser says of the page that opens the websocket."""
        return Origin(self.url.rstrip("/"))

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
    """The demo with a database of its own, started now, gone when the block ends."""
    variables = {"PORT": "0", **variables}
    with (
        TemporaryDirectory() as folder,
        running_command(
            "-m", "example_site", folder=Path(folder), **variables
        ) as process,
    ):
        yield Demo(process)


def token(page: httpx.Response) -> str:
    """What a form of *page* sends to show where it comes from."""
    return page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
