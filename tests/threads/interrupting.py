"""
Interrupts ``with Lifespan()`` at every point: ``python -m tests.threads.interrupting``.

A process of its own: a trace function that raises in an ``except`` block leaves the
handled exception in the thread's state (Python 3.11).
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import django
from django.conf import settings

import django_lifespan_typed
from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._compat import Self
from django_lifespan_typed._threads.asgiref import loop_in_use

PACKAGE: Final = str(Path(django_lifespan_typed.__file__).parent)
ORDERED: Final[list[list[str]]] = [
    [],
    ["+db", "-db"],
    ["+db", "+cache", "-cache", "-db"],
]


class Interrupted(BaseException):
    """Raised by the signal handler."""


class Interrupter:
    """Sends SIGINT at the point *number* that this thread passes in the package."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._visits: Counter[object] = Counter()
        self.place: str | None = None
        """The class and the function of that point; None if it was not reached."""

    def __enter__(self) -> Self:
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            return None
        if event in {"call", "line"}:
            point = code, frame.f_lineno, event
            self._visits[point] += 1
            self._number -= self._visits[point] <= 3  # a loop over all signals is long
            if not self._number and self.place is None:
                owner = type(frame.f_locals.get("self")).__name__
                self.place = f"{owner}.{code.co_name}"
                signal.raise_signal(signal.SIGINT)
        return self._trace


class Block:
    """A block of two resources, of which the second may fail to start."""

    def __init__(self, *, fails: bool) -> None:
        self.journal: list[str] = []
        self._registry = Registry()

        @lifespan_resource("db", registry=self._registry)
        async def db() -> AsyncGenerator[int]:
            self.journal.append("+db")
            try:
                await asyncio.sleep(0)
                yield 1
            finally:
                await asyncio.sleep(0)
                self.journal.append("-db")

        @lifespan_resource("cache", registry=self._registry, needs=(db,))
        async def cache(_: int) -> AsyncGenerator[int]:
            self.journal.append("+cache")
            try:
                await asyncio.sleep(0)
                if fails:
                    raise ValueError("it fails")
                yield 1
            finally:
                # First: an interrupt cancels what still starts, this clean-up too.
                self.journal.append("-cache")
                await asyncio.sleep(0)

    def run(self, number: int) -> str | None:
        """Run it, interrupted at the point *number*; returns the place of that."""
        self.journal.clear()
        lifespan = Lifespan(self._registry)
        raised: BaseException | None = None
        with Interrupter(number) as interrupter:
            try:
                with lifespan:
                    pass
            except (Interrupted, ValueError) as error:
                raised = error
        place = interrupter.place
        if lifespan.loop is not None:
            print("left open:", place)
            lifespan.__exit__(None, None, None)
        threads = [thread.name for thread in threading.enumerate()]
        for is_well in (
            isinstance(raised, Interrupted) == (place is not None),
            self.journal in ORDERED,
            "lifespan loop" not in threads and loop_in_use() is None,
            signal.getsignal(signal.SIGINT) is interrupt,
        ):
            assert is_well, (number, place, self.journal, raised, threads)
        return place


def interrupt(*_: object) -> None:
    """Raise ``Interrupted``, as a signal handler."""
    raise Interrupted


if __name__ == "__main__":
    settings.configure(LOGGING_CONFIG=None, LIFESPAN={"CANCEL_TIMEOUT": 5})
    django.setup()
    signal.signal(signal.SIGINT, interrupt)
    block = Block(fails="fails" in sys.argv)
    points = 1
    while block.run(points) is not None:
        points += 1
    print("points:", points)
