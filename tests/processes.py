"""Servers as child processes, and gates that hold them where a test wants them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Final, final

import httpx

ROOT: Final = Path(__file__).resolve().parents[1]

# Never waited for in full where all is well; long, for a busy machine.
LIMIT: Final = 60

# Of a child whose coverage is not measured, which takes memory of its own, and which
# makes threads of Python 3.11 spin while its main thread waits with a signal to handle.
UNMEASURED: Final[Mapping[str, None]] = {"COVERAGE_PROCESS_CONFIG": None}


# What asyncio's debug mode says of a slow step is of the machine: no test is of that.
_SLOW_STEP: Final = re.compile(
    r"^.*Executing <.* took \d+\.\d{3} seconds(\n|\Z)", re.MULTILINE
)


def without_slow_steps(text: str) -> str:
    """What a child has printed, without that."""
    return _SLOW_STEP.sub("", text)


def environment(**variables: str | None) -> dict[str, str]:
    """
    The environment of a child, without the settings of the tests, and without each
    of *variables* that is ``None``.
    """
    wanted: dict[str, str | None] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": None,
        "PYTHONPATH": str(ROOT),
        "PYTHONDEVMODE": "1",
        # What a test serves on loopback is reached without a proxy.
        "NO_PROXY": "127.0.0.1",
        **variables,
    }
    return {name: value for name, value in wanted.items() if value is not None}


@final
class Process:
    """A command in a process group of its own, and everything that it prints."""

    def __init__(
        self, command: Iterable[str], folder: Path, variables: Mapping[str, str | None]
    ) -> None:
        self.lines: list[str] = []
        self._printed = Condition()
        self._ended = False
        self._popen = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in filter(without_slow_steps, lines):
                with self._printed:
                    self.lines.append(line.rstrip("\n"))
                    self._printed.notify_all()
        with self._printed:
            self._ended = True
            self._printed.notify_all()

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    @property
    def events(self) -> list[str]:
        """What has happened in it so far."""
        return [line[1:] for line in self.lines if line.startswith("@")]

    @property
    def pid(self) -> int:
        """Its id, which is its group's too."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def found(self, pattern: str) -> list[str]:
        """*pattern* in each line so far that has it: its first group, or all of it."""
        matches = filter(None, (re.search(pattern, line) for line in self.lines))
        return [match[match.re.groups and 1] for match in matches]

    def until(self, pattern: str, *, nth: int = 1) -> str:
        """Wait for the *nth* line with *pattern*; its first group, or all of it."""
        found: list[str] = []

        def seen() -> bool:
            found[:] = self.found(pattern)
            return len(found) >= nth or self._ended

        with self._printed:
            self._printed.wait_for(seen, LIMIT)
        assert len(found) >= nth, f"no line {nth} has {pattern!r}:\n{self.output}"
        return found[nth - 1]

    def until_event(self, event: str, *, nth: int = 1) -> None:
        """Wait until *event* has happened, for the *nth* time."""
        self.until(f"^@{re.escape(event)}$", nth=nth)

    def soon(self, pattern: str, seconds: float) -> bool:
        """Whether a line with *pattern* is there, or comes within *seconds*."""

        def seen() -> bool:
            return bool(self.found(pattern))

        with self._printed:
            self._printed.wait_for(lambda: seen() or self._ended, seconds)
            return seen()

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send it a signal, or everything under it too, as a terminal does."""
        (os.killpg if group else os.kill)(self._popen.pid, number)

    def wait(self) -> int:
        """Its exit code, once all output has ended."""
        try:
            code = self._popen.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.output}") from None
        # Its children print to the same pipe: it ends when the last of them has.
        self._reader.join(LIMIT)
        assert not self._reader.is_alive(), f"a child is left behind:\n{self.output}"
        return code

    def end(self, number: signal.Signals, *, group: bool = False) -> int:
        """Send a signal, and return the exit code."""
        self.send(number, group=group)
        return self.wait()

    def reap(self) -> None:
        """Leave no process behind, whatever the test did."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(LIMIT)
        self._reader.join(LIMIT)


@contextmanager
def running(
    *command: str, folder: Path, **variables: str | None
) -> Generator[Process, None, None]:
    """A command, started now and gone when the block ends."""
    process = Process(command, folder, variables)
    try:
        yield process
    finally:
        process.reap()


def copied(project: Path, to: Path) -> Path:
    """A copy of a project, for a test that changes it."""
    site = to / "site"
    shutil.copytree(project, site, ignore=shutil.ignore_patterns("__pycache__"))
    # It is a package of ours for the linter's sake alone.
    (site / "__init__.py").unlink()
    return site


def client(port: str, *, limit: float = LIMIT) -> httpx.Client:
    """A browser, so to speak."""
    url = f"http://127.0.0.1:{port}"
    return httpx.Client(base_url=url, timeout=limit, trust_env=False)


def is_refused(port: str) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", int(port)), LIMIT).close()
    except ConnectionRefusedError:
        return True
    return False


# --- Gates: the test's side


@final
class Gates:
    """
    Where code in another process waits, by name, until the test opens::

        with Gates("start") as gates, running(..., **gates.variables):
            gates.wait_for("start")  # somebody stands there
            gates.open("start")
    """

    def __init__(self, *held: str) -> None:
        self._open = Condition()
        self._opened: set[str] = set()
        self._waiting: list[tuple[str, socket.socket]] = []
        self._left: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.variables = {"GATES": str(port), "HELD": " ".join(held)}
        self._thread = Thread(target=self._accept)

    def __enter__(self) -> Gates:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not closed under who waits in it: on Linux that would not wake it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(LIMIT)
        self._listener.close()
        with self._open:
            for _, who in self._waiting:
                who.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                who, _ = self._listener.accept()
                who.settimeout(LIMIT)
                with who.makefile() as lines:
                    name = lines.readline().strip()
                with self._open:
                    if name in self._opened:
                        who.close()
                    else:
                        self._waiting.append((name, who))
                    self._open.notify_all()

    def wait_for(self, name: str) -> None:
        """Wait until somebody waits there."""
        with self._open:
            assert self._open.wait_for(
                lambda: name in [there for there, _ in self._waiting], LIMIT
            ), f"nobody came to the gate {name!r}"

    def wait_until_gone(self, name: str) -> None:
        """Wait until whoever waits there has given up, or was killed."""
        self.wait_for(name)
        with self._open:
            (who,) = (who for there, who in self._waiting if there == name)
        with suppress(ConnectionResetError):
            assert not who.recv(1)

    def open(self, name: str) -> None:
        """Let pass who waits there, and who comes later."""
        with self._open:
            self._opened.add(name)
            for pair in self._waiting.copy():
                if pair[0] == name:
                    pair[1].close()
                    self._waiting.remove(pair)


# --- Gates and events: the side of the code in the child


def happened(event: str) -> None:
    """Tell the test."""
    # One write, for several threads and processes print here.
    os.write(1, f"@{event}\n".encode())


async def at_gate(name: str) -> None:
    """Wait at the gate, if the test holds it."""
    if name not in os.environ.get("HELD", "").split():
        return
    port = int(os.environ["GATES"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{name}\n".encode())
        await reader.read()
    finally:
        writer.close()


def at_gate_in_thread(name: str) -> None:
    """The same for sync code."""
    if name not in os.environ.get("HELD", "").split():
        return
    with socket.create_connection(("127.0.0.1", int(os.environ["GATES"]))) as gates:
        gates.sendall(f"{name}\n".encode())
        gates.recv(1)


def journaled(app: Callable[..., object]) -> Callable[..., object]:
    """An ASGI middleware that says when a connection arrives."""

    async def middleware(scope: dict[str, object], receive: object, send: object):
        happened(f"{scope['type']} arrives")
        await app(scope, receive, send)  # type: ignore[misc]

    return middleware
