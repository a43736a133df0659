"""What keeps anyio from cancelling, again and again, what has to come to its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def shielded() -> AbstractContextManager[object]:
    """
    A block that anyio does not cancel until it has ended: inside a scope that is
    cancelled, each await in a stop would be. ``Task.cancel`` does, as ever.
    """
    scope: Any = getattr(sys.modules.get("anyio"), "CancelScope", None)
    return nullcontext() if scope is None else scope(shield=True)


def by_anyio(error: asyncio.CancelledError) -> bool:
    """Whether a cancel scope has cancelled, and does until that scope is left."""
    return bool(error.args) and "cancel scope" in str(error.args[0])


def shield_from(
    error: asyncio.CancelledError,
) -> Callable[[], AbstractContextManager[object]]:
    """What lets a task hold on, although *error* has cancelled it."""
    # Held on against anyio in any other way, a task spins.
    return shielded if by_anyio(error) else nullcontext
