"""Database connections in threads that no request cleans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, final
from weakref import WeakSet

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.signals import connection_created

from .._compat import Self
from .._log import logger


@final
class Opened:
    """The connections that were opened, in any thread, while a block ran."""

    def __init__(self) -> None:
        # Weak: threads that have ended take theirs with them.
        self._connections: WeakSet[object] = WeakSet()

    def __enter__(self) -> Self:
        connection_created.connect(self._on_created)
        return self

    def __exit__(self, *_: object) -> None:
        connection_created.disconnect(self._on_created)

    def __bool__(self) -> bool:
        return bool(self._connections)

    def _on_created(self, connection: object, **_: object) -> None:
        self._connections.add(connection)

    async def close(self, seconds: float) -> None:
        """Close what is left of them; most starts open none, and wait for nobody."""
        if self:
            self._connections.clear()
            await close_connections(seconds)

    async def close_own(self) -> None:
        """
        Close them in Django's shared thread, whenever that comes to it, and those that
        are broken; no others there.
        """
        ours, self._connections = self._connections, WeakSet()

        def close() -> None:
            _close_if(lambda found: found in ours or _is_broken(found))

        await sync_to_async(close)()


async def close_connections(seconds: float) -> None:
    """
    Close what factories and receivers opened in Django's shared thread, which no
    request cleans. A thread that hangs is waited for *seconds*, and then left alone.
    It raises nothing but a cancellation.
    """
    await _in_shared_thread(partial(_close_if, lambda _: True), seconds)


def close_own_connections() -> None:
    """Close the connections of this thread."""
    for connection in connections.all(initialized_only=True):
        _close(connection)


async def _in_shared_thread(close: Callable[[], None], seconds: float) -> None:
    async def closing() -> None:
        with suppress(RuntimeError):  # the shared thread has been shut down
            await sync_to_async(close)()

    # In a task: asgiref would add its frames to an error that is being raised.
    task = asyncio.ensure_future(closing())
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            logger.warning(
                "Django's shared thread hangs: what the lifespan may have opened in "
                "it, database connections for example, stays open"
            )
    finally:
        task.cancel()


def _close_if(is_ours: Callable[[Any], bool]) -> None:
    for connection in connections.all(initialized_only=True):
        # A test's open transaction is left alone.
        if not connection.in_atomic_block and is_ours(connection):
            _close(connection)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except Exception:
        # Django has dropped it all the same: the next query opens another.
        logger.exception("connection %r failed to close", connection.alias)


def _is_broken(connection: Any) -> bool:
    # Some databases' is_usable() fails where there is no connection.
    is_open = connection.connection is not None
    return bool(is_open and connection.errors_occurred and not connection.is_usable())
