"""The loop on which ``async_to_sync`` runs in a thread, and asgiref's executor."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import SyncToAsync

from ..exceptions import LifespanError
from .fork import after_fork


def use_loop(
    loop: asyncio.AbstractEventLoop | None,
) -> asyncio.AbstractEventLoop | None:
    """
    Have ``async_to_sync`` in this thread run on *loop*; returns the loop used before.

    asgiref has no public way to say so. It reads these two attributes, in every
    supported version.
    """
    before = loop_in_use()
    local: Any = SyncToAsync.threadlocal
    # Blocks may be left in any order, so the loop to restore may be closed by now.
    local.main_event_loop = None if loop is None or loop.is_closed() else loop
    local.main_event_loop_pid = os.getpid()
    return before


def loop_in_use() -> asyncio.AbstractEventLoop | None:
    """Return the loop on which ``async_to_sync`` runs in this thread, if it is set."""
    local: Any = SyncToAsync.threadlocal
    if getattr(local, "main_event_loop_pid", None) != os.getpid():
        return None
    loop: asyncio.AbstractEventLoop | None = getattr(local, "main_event_loop", None)
    return loop


def is_in_loop() -> bool:
    """Return whether an event loop runs in this thread, which must not be blocked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def asyncio_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop; raises ``LifespanError`` under trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise LifespanError(
            "resources run on asyncio, and this code runs on trio\n"
            "Serve with asyncio: hypercorn --worker-class asyncio (or uvloop), "
            'TestClient(app, backend="asyncio").'
        ) from None


class _Executor:
    is_inherited = False


@after_fork
def _inherit() -> None:
    _Executor.is_inherited = True


def renew_executor() -> None:
    """
    Replace the executor of ``sync_to_async`` if this process inherited it by a fork.

    Its thread did not survive the fork, so asgiref would wait for it forever.
    """
    if _Executor.is_inherited:
        _Executor.is_inherited = False
        SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)
