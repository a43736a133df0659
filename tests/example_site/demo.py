"""The demo as a child process, on a port that the system chose."""

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

import httpx

ROOT: Final = Path(__file__).resolve().parents[2]

# Never waited for in full where all is well; long, for a busy machine.
LIMIT: Final = 60


def environment(**variables: str) -> dict[str, str]:
    """The environment, without what a developer's shell may say about the demo."""
    ours = {"BOOK_SERVICE_URL", "DJANGO_SETTINGS_MODULE", "PORT"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        # What a test serves on loopback is reached without a proxy.
        "NO_PROXY": "127.0.0.1",
        **variables,
    }


@final
class Demo:
    """``python -m example_site``, and everything that it and its children print."""

    def __init__(self, **variables: str) -> None:
        self.lines: list[str] = []
        self._printed = Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "example_site"],
            env=environment(PORT="0", **variables),
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

    def printed(self, pattern: str) -> str:
        """Wait for a line with *pattern*, and return its first group."""
        found: re.Match[str] | None = None

        def seen() -> bool:
            nonlocal found
            found = next(
                filter(None, (re.search(pattern, x) for x in self.lines)), None
            )
            return found is not None or self._ended

        with self._printed:
            self._printed.wait_for(seen, LIMIT)
        assert found is not None, f"no line has {pattern!r}:\n{self.output}"
        return found[1]

    @property
    def url(self) -> str:
        """Where the site is, as it says itself once it serves."""
        return self.printed(r"The library is open: (http://\S+) ")

    @property
    def book_service_url(self) -> str:
        """Where its books come from, as its signal receiver says."""
        return self.printed(r"books come from (http://\S+)")

    @property
    def stopped(self) -> list[str]:
        """The resources that have stopped, in order."""
        return re.findall(r": stopped '(\w+)'", self.output)

    def end(self, number: signal.Signals, *, group: bool = False) -> int:
        """Send a signal, and return the exit code once all output has ended."""
        send = os.killpg if group else os.kill
        send(self.process.pid, number)
        code = self.process.wait(LIMIT)
        # Its children print to the same pipe: it ends when the last of them has.
        self._reader.join(LIMIT)
        assert not self._reader.is_alive(), f"a child is left behind:\n{self.output}"
        return code

    def reap(self) -> None:
        """Leave no process behind, whatever the test did."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)

    def client(self) -> httpx.Client:
        """A browser, so to speak."""
        return httpx.Client(base_url=self.url, timeout=LIMIT, trust_env=False)


@contextmanager
def running_demo(**variables: str) -> Generator[Demo]:
    """The demo, started now and gone when the block ends."""
    demo = Demo(**variables)
    try:
        yield demo
    finally:
        demo.reap()
