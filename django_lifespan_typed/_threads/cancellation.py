"""Cancellation of tasks and of anyio's scopes."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def shielded() -> AbstractContextManager[object]:
    """
    Return a block that anyio does not cancel.

    In a cancelled scope anyio cancels every ``await``, so a shutdown there would never
    get anywhere. ``Task.cancel()`` still works.
    """
    scope: Any = getattr(sys.modules.get("anyio"), "CancelScope", None)
    return nullcontext() if scope is None else scope(shield=True)


def is_in_cancelled_scope() -> bool:
    """Return whether the running task is in a cancelled scope of anyio."""
    deadline: Any = getattr(
        sys.modules.get("anyio"), "current_effective_deadline", None
    )
    return deadline is not None and deadline() == float("-inf")


def is_cancelled(task: asyncio.Task[Any]) -> bool:
    """Return whether *task* was cancelled and has not ended yet; False on 3.10."""
    cancelling: Any = getattr(task, "cancelling", int)  # Python 3.11; int() is 0
    return bool(cancelling())


def uncancel(task: asyncio.Task[Any]) -> None:
    """Take a cancellation back, or time limits around the code would see it."""
    getattr(task, "uncancel", int)()  # Python 3.11
