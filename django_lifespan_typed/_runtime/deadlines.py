"""Deadlines: keeps the time limits of all resources with one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from operator import itemgetter
from typing import Final, final

INFINITE: Final = float("inf")


@final
class Deadlines:
    """
    Calls back when a time limit passes.

    A timer for each resource would add a fifth to the cost of starting and stopping it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()  # not that of the resource that sets the timer
        self._pending: dict[Callable[[], object], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = INFINITE

    def set(self, callback: Callable[[], object], seconds: float) -> None:
        """Call *callback* after *seconds*; replaces its previous deadline."""
        deadline = self._loop.time() + seconds
        self._pending[callback] = deadline
        self._set_timer(deadline)

    def clear(self, callback: Callable[[], object]) -> None:
        """Forget the deadline of *callback*, if it has one."""
        self._pending.pop(callback, None)
        if not self._pending:
            self._clear_timer()

    def _set_timer(self, deadline: float) -> None:
        if deadline < self._timer_at:
            self._clear_timer()
            self._timer_at = deadline
            self._timer = self._loop.call_at(
                deadline, self._on_timer, context=self._context
            )

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, INFINITE

    def _on_timer(self) -> None:
        self._clear_timer()
        now = self._loop.time()
        try:
            for callback, deadline in sorted(self._pending.items(), key=itemgetter(1)):
                # An earlier callback may have changed the deadline.
                if deadline <= now and self._pending.get(callback) == deadline:
                    del self._pending[callback]
                    callback()
        finally:
            self._set_timer(min(self._pending.values(), default=INFINITE))
