"""Shields for code that has to finish although anyio has cancelled its scope."""

from __future__ import annotations

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
