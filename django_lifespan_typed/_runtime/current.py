"""Which lifespans run in this process, and on which event loop."""

from __future__ import annotations

import asyncio
import os
from contextvars import ContextVar
from typing import Any, Protocol, final

from .._declare.keys import StateKey
from .._declare.registry import Registry
from .._text import error_text
from .health import ResourceHealth
from .state import LifespanState
from .status import ResourceStatus


class RunningLifespan(Protocol):
    """What is asked of a lifespan that runs."""

    @property
    def registry(self) -> Registry: ...
    @property
    def only(self) -> tuple[StateKey[Any], ...] | None: ...
    @property
    def kept_out(self) -> frozenset[str]: ...
    @property
    def state(self) -> LifespanState: ...
    @property
    def is_up(self) -> bool: ...
    @property
    def is_stopping(self) -> bool: ...
    def status(self) -> tuple[ResourceStatus, ...]: ...
    async def health(self) -> tuple[ResourceHealth, ...]: ...


@final
class Running:
    """
    The lifespans that run; none is kept after its stop.

    Code inside the block of one has that one. All other code on its loop has the
    first, which is its server's: a block in one thread is nobody else's business.
    """

    def __init__(self) -> None:
        self._lifespans: list[tuple[asyncio.AbstractEventLoop, RunningLifespan]] = []
        self.last_failure: str | None = None
        """How the latest start failed, for whoever looks for its resources."""
        self._entered: ContextVar[RunningLifespan | None] = ContextVar(
            "django_lifespan_typed", default=None
        )
        self._of_parents: list[object] = []
        self.parent: int | None = None
        """The process that this one was forked from while lifespans ran there."""

    def add(self, loop: asyncio.AbstractEventLoop, lifespan: RunningLifespan) -> None:
        self._lifespans.append((loop, lifespan))
        self.parent = None
        self.last_failure = None

    def remove(self, lifespan: RunningLifespan) -> None:
        # In place: another thread may add its own meanwhile.
        for pair in self._lifespans.copy():
            if pair[1] is lifespan:
                self._lifespans.remove(pair)

    def failed(self, error: BaseException) -> None:
        """A start has failed with *error*."""
        self.last_failure = f"{type(error).__name__}: {error_text(error)}".rstrip(": ")

    def enter(self, lifespan: RunningLifespan | None) -> RunningLifespan | None:
        """Let the code from here on be in the block of *lifespan*; in which it was."""
        before = self._entered.get()
        self._entered.set(lifespan)
        return before

    def entered_on(self, loop: asyncio.AbstractEventLoop) -> RunningLifespan | None:
        """The lifespan of *loop* that the running code is in."""
        entered = self._entered.get()
        found = [lifespan for own, lifespan in self._lifespans.copy() if own is loop]
        is_here = any(lifespan is entered for lifespan in found)
        return entered if is_here else None

    def complete_on(
        self, loop: asyncio.AbstractEventLoop, registry: Registry | None
    ) -> RunningLifespan | None:
        """The first lifespan of *loop* that runs all of *registry*."""
        for own, lifespan in self._lifespans.copy():
            is_complete = lifespan.registry is registry and lifespan.only is None
            if own is loop and is_complete and lifespan.is_up:
                return lifespan
        return None

    def on(self, loop: asyncio.AbstractEventLoop) -> RunningLifespan | None:
        """The lifespan of *loop* that the running code is in, else the first one."""
        found = (lifespan for own, lifespan in self._lifespans.copy() if own is loop)
        return self.entered_on(loop) or next(found, None)

    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """The loops that have a lifespan, without repeats."""
        return list({id(loop): loop for loop, _ in self._lifespans.copy()}.values())

    def forget(self) -> None:
        """A forked child has the parent's memory, but none of its connections."""
        if self._lifespans:
            self.parent = os.getppid()
        # Kept to the end of the process: collected, they would clean up what is open
        # in the parent, as every suspended coroutine does.
        self._of_parents += self._lifespans
        self._lifespans = []
        self.last_failure = None


running = Running()
os.register_at_fork(after_in_child=running.forget)
