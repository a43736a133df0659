"""The demo as a child process, on a free port."""

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
    """Run a command without the variables of a developer's shell."""
    names = "BOOK_SERVICE_URL", "DEBUG", "PORT", "RUNSERVER", "SERVER", "WINDOW_SECONDS"
    database = str(folder / "library.sqlite3")
    # The lock of the daily catalogue is in the temporary directory.
    own = {"DATABASE": database, "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)}
    unset = dict.fromkeys(names)
    return running(*command, folder=folder, **{**unset, **own, **variables})


@final
class Demo:
    """A running ``python -m example_site``, and its output."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def url(self) -> str:
        """The address of the site, printed when it serves."""
        return self.process.until(r"The library is open: (http://\S+) ")

    @property
    def socket_url(self) -> str:
        """The address of its websocket."""
        return self.url.replace("http", "ws", 1) + "live/socket/"

    @property
    def origin(self) -> Origin:
        """The origin that a browser sends when it opens the websocket."""
        return Origin(self.url.rstrip("/"))

    @property
    def book_service_url(self) -> str:
        """The address of the book service, logged by a signal receiver."""
        return self.process.until(r"books come from (http://\S+)")

    @property
    def stopped(self) -> list[str]:
        """The resources that have shut down, in order."""
        return self.process.found(r": stopped '(\w+)'")

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=LIMIT, trust_env=False)


@contextmanager
def running_demo(**variables: str) -> Generator[Demo]:
    """Run the demo with an empty database."""
    variables = {"PORT": "0", **variables}
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = ("-m", "example_site")
        with running_command(*command, folder=folder, **variables) as process:
            yield Demo(process, folder)


def token(page: httpx.Response) -> str:
    """The CSRF token in a form of *page*."""
    return page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
