"""Deadlines: the time limits of all resources, by one timer of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import final


@final
class Deadlines:
    """
    Calls back when a time limit passes.

    A timer for each resource would be a fifth of the cost of starting one.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pending: dict[Callable[[], object], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")

    def set(self, callback: Callable[[], object], seconds: float) -> None:
        """Call *callback* after *seconds*, in the place of its last deadline."""
        deadline = self._loop.time() + seconds
        self._pending[callback] = deadline
        if deadline < self._timer_at:
            self._set_timer(deadline)

    def clear(self, callback: Callable[[], object]) -> None:
        """Forget the deadline of *callback*, if it has one."""
        self._pending.pop(callback, None)
        if not self._pending:
            self._clear_timer()

    def _set_timer(self, deadline: float) -> None:
        self._clear_timer()
        self._timer = self._loop.call_at(deadline, self._on_timer)
        self._timer_at = deadline

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, float("inf")

    def _on_timer(self) -> None:
        self._clear_timer()
        now = self._loop.time()
        for callback, deadline in [*self._pending.items()]:
            # Unless an earlier callback has changed it.
            if deadline <= now and self._pending.get(callback) == deadline:
                del self._pending[callback]
                callback()
        earliest = min(self._pending.values(), default=float("inf"))
        if earliest < self._timer_at:
            self._set_timer(earliest)
