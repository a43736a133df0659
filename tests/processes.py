"""Servers and commands as child processes of the tests."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final, final

from .gates import LIMIT, Gates, at_gate, at_gate_in_thread, happened, journaled

if TYPE_CHECKING:
    import httpx

__all__ = [
    "LIMIT",
    "ROOT",
    "UNMEASURED",
    "Gates",
    "Process",
    "at_gate",
    "at_gate_in_thread",
    "client",
    "copied",
    "environment",
    "happened",
    "is_refused",
    "journaled",
    "reserved_port",
    "running",
    "save",
    "start_project",
    "without_slow_steps",
]

ROOT: Final = Path(__file__).resolve().parents[1]

# For a child without coverage: a tracer takes memory, and on Python 3.11 it makes
# threads spin while the main thread has a signal to handle.
UNMEASURED: Final[Mapping[str, None]] = {"COVERAGE_PROCESS_CONFIG": None}

# Slow steps that asyncio's debug mode reports depend on the machine.
_SLOW_STEP: Final = re.compile(
    r"^.*Executing <.* took \d+\.\d{3} seconds(\n|\Z)", re.MULTILINE
)

# Kills the process groups that are left when the process with the other end of its
# pipe is gone, however that ended.
_REAPER: Final = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    groups ^= {int(line)}
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


@cache
def _reaper() -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C in a terminal does not reach it.
    reaper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _REAPER],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(reaper.communicate)
    return reaper


def _toggle(group: int) -> None:
    """Enter a process group in the reaper's list, or remove it."""
    # One small write is atomic, so threads need no lock.
    os.write(_reaper().stdin.fileno(), f"{group}\n".encode())  # type: ignore[union-attr]


def without_slow_steps(text: str) -> str:
    """*text* without the slow steps that asyncio's debug mode reports."""
    return _SLOW_STEP.sub("", text)


def environment(**variables: str | None) -> dict[str, str]:
    """The environment of a child; each of *variables* that is ``None`` is unset."""
    wanted: dict[str, str | None] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": None,
        "PYTHONPATH": str(ROOT),
        "PYTHONDEVMODE": "1",
        # Loopback is reached without a proxy.
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
        _toggle(self.pid)
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
        """The events printed so far, by ``happened``."""
        return [line[1:] for line in self.lines if line.startswith("@")]

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def found(self, pattern: str) -> list[str]:
        """The first group, or all, of each match of *pattern* in the lines so far."""
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
        """Wait until *event* has happened for the *nth* time."""
        self.until(f"^@{re.escape(event)}$", nth=nth)

    def soon(self, pattern: str, seconds: float) -> bool:
        """Whether a line with *pattern* is there, or comes within *seconds*."""

        def seen() -> bool:
            return bool(self.found(pattern))

        with self._printed:
            self._printed.wait_for(lambda: seen() or self._ended, seconds)
            return seen()

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process, or to its group, as a terminal does."""
        (os.killpg if group else os.kill)(self.pid, number)

    def wait(self) -> int:
        """The exit code, once the process and its children have ended."""
        try:
            code = self._popen.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.output}") from None
        # Its children print to the same pipe, which ends with the last of them.
        self._reader.join(LIMIT)
        assert not self._reader.is_alive(), f"a child is left behind:\n{self.output}"
        return code

    def end(self, number: signal.Signals, *, group: bool = False) -> int:
        """Send a signal, and return the exit code."""
        self.send(number, group=group)
        return self.wait()

    def reap(self) -> None:
        """Kill what is left of the process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        _toggle(self.pid)
        self._popen.wait(LIMIT)
        self._reader.join(LIMIT)


@contextmanager
def running(
    *command: str, folder: Path, **variables: str | None
) -> Generator[Process, None, None]:
    """A Python command that runs while the block does."""
    process = Process(command, folder, variables)
    try:
        yield process
    finally:
        process.reap()


def start_project(folder: Path) -> Path:
    """Write the project ``mysite`` of ``django-admin startproject`` into *folder*."""
    command = ("-m", "django", "startproject", "mysite", ".")
    with running(*command, folder=folder) as process:
        assert process.wait() == 0, process.output
    return folder


def copied(project: Path, to: Path) -> Path:
    """A copy of a project, for a test that changes it."""
    site = to / "site"
    shutil.copytree(project, site, ignore=shutil.ignore_patterns("__pycache__"))
    # Some folders are packages for the linter alone.
    (site / "__init__.py").unlink(missing_ok=True)
    return site


def save(process: Process, file: Path, text: str) -> None:
    """
    Write *file*, and wait until Django's autoreloader has noticed.

    The reloader ignores changes from before its first look at the file, which it
    does not announce, so the file's time is moved on until it reloads.
    """
    noticed = f"{re.escape(str(file))} changed, reloading.$"
    file.write_text(text, "utf-8")
    deadline = time.monotonic() + LIMIT
    while not process.soon(noticed, 0.5):
        assert process.alive, process.output
        assert time.monotonic() < deadline, process.output
        changed = file.stat().st_mtime_ns + 10**9
        os.utime(file, ns=(changed, changed))


def client(port: str, *, limit: float = LIMIT) -> httpx.Client:
    """An HTTP client of a server on loopback."""
    import httpx  # not in children that import this module

    url = f"http://127.0.0.1:{port}"
    return httpx.Client(base_url=url, timeout=limit, trust_env=False)


def is_refused(port: str) -> bool:
    """Whether nothing listens on this port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", int(port)), LIMIT).close()
    except ConnectionRefusedError:
        return True
    return False


def reserved_port() -> str:
    """
    A port on loopback that the system gives to nobody who asks for any.

    Its last connection is in TIME_WAIT, so only a server that names the port gets it
    (with SO_REUSEADDR, which all servers set).
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            # The side that closes first stays in TIME_WAIT.
            listener.accept()[0].close()
        return str(port)
