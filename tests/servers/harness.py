"""uvicorn with a site that keeps a journal, and waits at gates."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import httpx
from typing_extensions import Self

from tests.processes import LIMIT, ROOT, Process, client, is_refused, running

from .servers import reserved_port

APPLICATION: Final = "tests.servers.project.asgi:application"


@final
@dataclass(frozen=True)
class Server:
    """A server: how it is started, and how it says that it serves."""

    name: str
    command: Callable[[str, str], list[str]]
    """Its command line for an application and a port on loopback."""
    serves: str
    """A pattern in the line that it prints when it serves."""


@final
class Gate:
    """
    Where the site waits for the test, and the test for the site::

        gate.wait()     # until somebody has arrived
        gate.open()     # for whoever waits, and whoever comes
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(LIMIT)
        self._arrived: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Where to connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def wait(self) -> None:
        """Return when one more has arrived."""
        self._arrived.append(self._listener.accept()[0])

    def open(self) -> None:
        """Let go who has arrived; nobody is held from now on."""
        self._listener.close()
        while self._arrived:
            self._arrived.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()


@final
class Running:
    """A server that runs, its process, and the site's journal."""

    def __init__(
        self, server: Server, process: Process, port: str, journal: Path
    ) -> None:
        self.process = process
        self._server = server
        self._port = port
        self._journal = journal

    # --- What it says

    @property
    def journal(self) -> list[str]:
        """What the site has noted so far."""
        if not self._journal.exists():
            return []
        return self._journal.read_text("utf-8").splitlines()

    def serves(self) -> None:
        """Wait until it says that it serves."""
        self.process.until(self._server.serves)

    # --- What it is told

    def get(self, path: str) -> httpx.Response:
        """Ask for *path*."""
        with client(self._port) as browser:
            return browser.get(path)

    @contextmanager
    def asking(self, path: str) -> Generator[list[httpx.Response]]:
        """Ask for *path* meanwhile; the list holds the answer after the block."""
        answers: list[httpx.Response] = []

        def ask() -> None:
            with suppress(httpx.HTTPError):
                answers.append(self.get(path))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield answers
        finally:
            thread.join(LIMIT)
            assert not thread.is_alive(), (
                f"no answer and no end:\n{self.process.output}"
            )

    def connected(self) -> socket.socket:
        """A client that may leave when it likes."""
        return socket.create_connection(("127.0.0.1", int(self._port)), LIMIT)

    def refuses_connections(self) -> bool:
        """Whether nobody listens at its port."""
        return is_refused(self._port)


@contextmanager
def run(server: Server, journal: Path, **variables: Any) -> Generator[Running]:
    """
    *server*, serving the site of the tests; reaped in the end.

    *variables* are the environment of the site. A ``Gate`` becomes its port.
    """
    texts = {
        name: str(value.port) if isinstance(value, Gate) else str(value)
        for name, value in variables.items()
    }
    # What a developer's shell may say about them.
    ours = {"FAIL", "REPOSITORY_STOP_TIMEOUT", "WEB_CONCURRENCY"}
    unsaid = {
        name: None
        for name in os.environ
        if name in ours or name.startswith(("GATE_", "UVICORN_"))
    }
    port = reserved_port()
    with running(
        *server.command(APPLICATION, port),
        folder=ROOT,
        PYTHONUNBUFFERED="1",
        JOURNAL=str(journal),
        **{**unsaid, **texts},
    ) as process:
        yield Running(server, process, port, journal)
