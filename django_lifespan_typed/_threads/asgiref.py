"""The event loop that the sync code of a thread runs async code on."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from asgiref.sync import SyncToAsync


def use_loop(
    loop: asyncio.AbstractEventLoop | None,
) -> asyncio.AbstractEventLoop | None:
    """
    Let ``async_to_sync`` in this thread run on *loop*, so that async code called
    from sync code finds its resources; returns the loop that it ran on before.

    asgiref documents no way to say so; these are the names that it reads.
    """
    before = loop_in_use()
    local: Any = SyncToAsync.threadlocal
    # Blocks need not be left in the order in which they were entered.
    local.main_event_loop = None if loop is None or loop.is_closed() else loop
    local.main_event_loop_pid = os.getpid()
    return before


def in_loop() -> bool:
    """Whether this code runs on an event loop, which must not be made to wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def loop_in_use() -> asyncio.AbstractEventLoop | None:
    """The loop that ``async_to_sync`` in this thread runs on, if it is known."""
    local: Any = SyncToAsync.threadlocal
    if getattr(local, "main_event_loop_pid", None) != os.getpid():
        return None
    loop: asyncio.AbstractEventLoop | None = getattr(local, "main_event_loop", None)
    return loop
