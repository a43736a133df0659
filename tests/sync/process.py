"""A child process, and everything that it and its children print."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Final, final

ROOT: Final = Path(__file__).resolve().parents[2]

# Never waited for in full where all is well; long, for a busy machine.
LIMIT: Final = 60


@final
class Child:
    """*command* of this Python, as the leader of a process group of its own."""

    def __init__(self, *command: str, path: Path | None = None, **variables: str):
        self.lines: list[str] = []
        self._printed = Condition()
        self._ended = False
        paths = [ROOT] if path is None else [path, ROOT]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1",
            **variables,
        }
        # It reports what others leave to the end of a process on the same output.
        environment.pop("PYTHONDEVMODE", None)
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT if path is None else path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read)
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

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    def printed(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until *pattern* was printed so often, and return the last of them."""

        def found() -> list[re.Match[str]]:
            return list(re.finditer(pattern, self.output, re.MULTILINE))

        with self._printed:
            self._printed.wait_for(lambda: len(found()) >= times or self._ended, LIMIT)
            matches = found()
        assert len(matches) >= times, f"no {times} × {pattern!r} in:\n{self.output}"
        return matches[times - 1]

    def all(self, pattern: str) -> list[str]:
        """The first group of each match so far."""
        return [match[1] for match in re.finditer(pattern, self.output, re.MULTILINE)]

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal, to all of its group if wanted, as a terminal does."""
        (os.killpg if group else os.kill)(self.process.pid, number)

    def interrupt(self, number: signal.Signals, until: str) -> None:
        """
        Send a signal until what it leads to is printed. asgiref waits without a limit,
        and Python sees a signal that comes just before a wait only after it.
        """

        def seen() -> bool:
            return bool(self.all(f"({until})")) or self._ended

        with self._printed:
            for _ in range(LIMIT // 10):
                self.signal(number)
                if self._printed.wait_for(seen, 10):
                    return
        raise AssertionError(f"no {until!r} in:\n{self.output}")

    def wait(self) -> int:
        """The exit code, once all output has ended."""
        code = self.process.wait(LIMIT)
        # Its children print to the same pipe: it ends when the last of them has.
        self._reader.join(LIMIT)
        assert not self._reader.is_alive(), f"a child is left behind:\n{self.output}"
        return code

    def end(self, number: signal.Signals, *, group: bool = False) -> int:
        """Send a signal, and wait for the end."""
        self.signal(number, group=group)
        return self.wait()

    def reap(self) -> None:
        """Leave no process behind, whatever the test did."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)


@contextmanager
def running(
    *command: str, path: Path | None = None, **variables: str
) -> Generator[Child]:
    """A child, started now and gone when the block ends."""
    child = Child(*command, path=path, **variables)
    try:
        yield child
    finally:
        child.reap()


@contextmanager
def running_script(script: str, **variables: str) -> Generator[Child]:
    """The same, of Python code that has ``PRELUDE`` before it."""
    with running("-c", PRELUDE + script, **variables) as child:
        yield child


PRELUDE: Final = """
import asyncio, os, signal, sys, threading, warnings
from collections.abc import AsyncGenerator
from typing import Any

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="tests.urls",
    SECRET_KEY="of a script",
    LIFESPAN={"CANCEL_TIMEOUT": 5},
)
django.setup()

from django_lifespan_typed import (
    Lifespan, StateKey, current_state, get_state, lifespan_resource,
)
from django_lifespan_typed.exceptions import LifespanError

# Forks while threads run are what is tested.
warnings.filterwarnings("ignore", category=DeprecationWarning)


def say(text: object) -> None:
    os.write(1, f"{text}\\n".encode())


@lifespan_resource("pool")
async def pool() -> AsyncGenerator[str]:
    say("+pool")
    try:
        yield f"pool of {os.getpid()}"
    finally:
        say("-pool")

"""
