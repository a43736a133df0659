"""The lifespans that run in this process, and which of them the running code is in."""

from __future__ import annotations

import asyncio
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, final

from .._declare.registry import Registry
from .._text import summary
from .._threads.fork import after_fork

if TYPE_CHECKING:
    from .lifespan import Lifespan


@final
class RunningLifespans:
    """
    The running lifespans of this process, in the order in which they started.

    Code inside the block of a lifespan has that one. Other code on the same loop has
    the first one, which is usually the server's.
    """

    def __init__(self) -> None:
        self._lifespans: list[tuple[asyncio.AbstractEventLoop, Lifespan]] = []
        self._entered: ContextVar[Lifespan | None] = ContextVar(
            "django_lifespan_typed", default=None
        )
        self._inherited: list[object] = []
        self.last_failure: str | None = None
        """A summary of the exception of the latest startup, if that failed."""
        self.parent: int | None = None
        """The process from which this one was forked while lifespans ran there."""

    def add(self, loop: asyncio.AbstractEventLoop, lifespan: Lifespan) -> None:
        """Add *lifespan*, which is starting on *loop*."""
        self._lifespans.append((loop, lifespan))
        self.parent = None
        self.last_failure = None

    def remove(self, lifespan: Lifespan) -> None:
        """Remove *lifespan*, which has shut down."""
        # In place: another thread may add its own meanwhile.
        for pair in self._lifespans.copy():
            if pair[1] is lifespan:
                self._lifespans.remove(pair)

    def record_failure(self, error: BaseException) -> None:
        """Remember that a startup failed with *error*."""
        self.last_failure = summary(error)

    def enter(self, lifespan: Lifespan | None) -> Lifespan | None:
        """Set which lifespan the running code is in; returns the previous one."""
        before = self._entered.get()
        self._entered.set(lifespan)
        return before

    def entered_on(self, loop: asyncio.AbstractEventLoop) -> Lifespan | None:
        """Return the lifespan that the running code is in, if it runs on *loop*."""
        entered = self._entered.get()
        is_on_loop = any(
            own is loop and lifespan is entered
            for own, lifespan in self._lifespans.copy()
        )
        return entered if is_on_loop else None

    def complete_on(
        self, loop: asyncio.AbstractEventLoop, registry: Registry
    ) -> Lifespan | None:
        """Return the first lifespan on *loop* that runs all of *registry*."""
        for own, lifespan in self._lifespans.copy():
            is_complete = lifespan.registry is registry and lifespan.only is None
            if own is loop and is_complete and lifespan.is_up:
                return lifespan
        return None

    def on(self, loop: asyncio.AbstractEventLoop) -> Lifespan | None:
        """Return the lifespan on *loop* that the running code is in, or the first."""
        found = (lifespan for own, lifespan in self._lifespans.copy() if own is loop)
        return self.entered_on(loop) or next(found, None)

    def lifespans(self) -> list[Lifespan]:
        """Return the lifespans that are starting, running or shutting down."""
        return [lifespan for _, lifespan in self._lifespans.copy()]

    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """Return the loops on which lifespans run, without repeats."""
        return list({id(loop): loop for loop, _ in self._lifespans.copy()}.values())

    def forget(self) -> None:
        """Forget the lifespans of the parent process, in a forked child."""
        if self._lifespans:
            self.parent = os.getppid()
        # Kept to the end of the process: their suspended coroutines, if collected,
        # would clean up what is open in the parent.
        self._inherited += self._lifespans
        self._lifespans = []
        self.last_failure = None


running: Final = RunningLifespans()
after_fork(running.forget)
