"""Owners, and what they open, that each break one rule."""

from __future__ import annotations

from .mutant import Mutant

MUTANTS = (
    Mutant(
        "time limits are ignored",
        "_owner:Owner._limit",
        'if seconds != float("inf"):',
        "if not seconds:",
        "stops",
    ),
    Mutant(
        "a crash is held on against",
        "_owner:Owner._hold",
        "if not await self._everything_ends(error):",
        "if False:",
        "serving",
    ),
    Mutant(
        "a late start counts",
        "_owner:Owner._own",
        "if not self._told_to_stop and self._timed_out is None:",
        "if True:",
        "starts",
    ),
    Mutant(
        "cancelled before its first step, an owner never ends",
        "_owner:Owner._on_done",
        "if task.cancelled():",
        "if False:",
        "late",
    ),
    Mutant(
        "the limit of a start holds on",
        "_owner:Owner._started",
        "self._unlimit()",
        "pass",
        "limits",
    ),
    Mutant(
        "anyio is held on against",
        "_owner:Owner._everything_ends",
        "return self._group.is_stopping()",
        "return True",
        "serving",
    ),
    Mutant(
        "the budget is ignored",
        "_owner:Owner._seconds_to_stop",
        "min(self.stop_timeout, self._group.seconds_left())",
        "self.stop_timeout",
        "limits",
    ),
    Mutant(
        "what ended too late ended well",
        "_owner:Owner._ended",
        "if self._timed_out is not None:",
        "if False:",
        "stops",
    ),
    Mutant(
        "a late start is not cancelled",
        "_owner:Owner._interrupt",
        "self._task.cancel()",
        "pass",
        "starts",
    ),
    Mutant(
        "who ignores its cancellation is waited for",
        "_owner:Owner._cancel",
        "self._limit(self._settings.CANCEL_TIMEOUT, self._give_up)",
        "pass",
        "stops",
    ),
    Mutant(
        "what is late does not know it",
        "_owner:Owner._on_time_limit",
        "self._timed_out = seconds",
        "pass",
        "stops",
    ),
    Mutant(
        "a crash that hangs has no limit",
        "_owner:Owner._hold",
        "self._limit(self._seconds_to_stop(), self._cancel)",
        "pass",
        "serving",
    ),
    Mutant(
        "health is asked of what has crashed",
        "_owner:Owner._hold",
        "self._unwinds = True",
        "pass",
        "health",
    ),
    Mutant(
        "closed in another task",
        "_factories:_AsyncGenerator.__aexit__",
        "return await self._manager.__aexit__(kind, error, traceback)",
        "return await __import__('asyncio').ensure_future("
        "self._manager.__aexit__(kind, error, traceback))",
        "quiet",
    ),
    Mutant(
        "what opens late in a thread is left open",
        "_factories:_InThread.__aenter__",
        "await self._worker.end(self._undo)",
        "self._worker.finish()",
        "starts",
    ),
    Mutant(
        "values are not checked",
        "_resources:Resource._wrong",
        "if expected is None or fits(value, expected):",
        "if True:",
        "starts",
    ),
    Mutant(
        "what is no Exception leaks out",
        "_failures:failed_start",
        "if isinstance(error, Exception):",
        "if isinstance(error, BaseException):",
        "starts",
    ),
    Mutant(
        "a thread does not end",
        "_worker:Worker.end",
        "self.finish()",
        "pass",
        "quiet",
    ),
)
