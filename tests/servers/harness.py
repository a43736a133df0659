"""Real servers, each in a process group of its own, bounded and always reaped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import httpx
from typing_extensions import Self

ROOT: Final = Path(__file__).resolve().parents[2]
APPLICATION: Final = "tests.servers.project.asgi:application"

# Never waited for in full where all is well; long, for a busy machine.
LIMIT: Final = 60.0


@final
@dataclass(frozen=True)
class Server:
    """A server: how it is started, and how it says that it serves."""

    name: str
    command: Callable[[str, int], list[str]]
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
    """A server that runs, everything that it prints, and the site's journal."""

    def __init__(self, server: Server, journal: Path, **variables: str) -> None:
        self.port = reserved_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._server = server
        self._journal = journal
        self._printed = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            server.command(APPLICATION, self.port),
            cwd=ROOT,
            env=_environment(JOURNAL=str(journal), **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own, so that its workers can be reaped with it.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"reads {server.name}")
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._printed:
                    self.lines.append(line.rstrip("\n"))
                    self._printed.notify_all()
        with self._printed:
            self._ended = True
            self._printed.notify_all()

    # --- What it says

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    @property
    def journal(self) -> list[str]:
        """What the site has noted so far."""
        if not self._journal.exists():
            return []
        return self._journal.read_text("utf-8").splitlines()

    def printed(self, pattern: str) -> str:
        """Wait for a line with *pattern*, and return it."""

        def found() -> str | None:
            return next((line for line in self.lines if re.search(pattern, line)), None)

        with self._printed:
            self._printed.wait_for(lambda: found() or self._ended, LIMIT)
            line = found()
        assert line is not None, f"{pattern!r} was not printed:\n{self.output}"
        return line

    def serves(self) -> None:
        """Wait until it says that it serves."""
        self.printed(self._server.serves)

    def noted(self, event: str) -> None:
        """Wait until the site has noted *event*."""
        self.printed(f"^journal: {re.escape(event)}$")

    # --- What it is told

    def get(self, path: str) -> httpx.Response:
        """Ask for *path*."""
        with httpx.Client(trust_env=False, timeout=LIMIT) as client:
            return client.get(f"{self.url}{path}")

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
            assert not thread.is_alive(), f"no answer and no end:\n{self.output}"

    def connected(self) -> socket.socket:
        """A client that may leave when it likes."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def refuses_connections(self) -> bool:
        """Whether nobody listens at its port."""
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) != 0

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server, as systemd and an orchestrator do."""
        self.process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for its end; negative for the signal that it died of."""
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.output}") from None
        self._reader.join(LIMIT)
        return code

    def reap(self) -> None:
        """End it and everything under it, however it stands."""
        # Workers may outlive the server, so the group is asked, not the process.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)


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
    running = Running(server, journal, **texts)
    try:
        yield running
    finally:
        running.reap()


def reserved_port() -> int:
    """
    A port on loopback that nobody gets by asking for any.

    Its last connection is kept in TIME_WAIT, so the system hands it to nobody, and
    lets a server have it that names it (with SO_REUSEADDR, which all of them set).
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            # Who closes first is left in TIME_WAIT.
            listener.accept()[0].close()
        return port


def _environment(**variables: str) -> dict[str, str]:
    ours = {
        "DJANGO_SETTINGS_MODULE",
        "FAIL",
        "REPOSITORY_STOP_TIMEOUT",
        "WEB_CONCURRENCY",
    }
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("GATE_", "UVICORN_"))
    }
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **variables,
    }


def python(*arguments: str) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, *arguments]
