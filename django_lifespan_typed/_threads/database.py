"""Closes database connections that were opened outside the request cycle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, final
from weakref import WeakSet

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.signals import connection_created

from .._compat import Self
from .._log import logger
from .._settings import finite


@final
class OpenedConnections:
    """The database connections opened while a block ran, in any thread."""

    def __init__(self) -> None:
        # Weak: the connections of a thread end with it.
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
        """Close the connections of Django's shared thread, if a block opened any."""
        if self:
            self._connections.clear()
            await close_connections(seconds)

    async def close_only_these(self) -> None:
        """Close these connections and broken ones in Django's shared thread."""
        opened, self._connections = self._connections, WeakSet()

        def close() -> None:
            _close_if(lambda found: found in opened or _is_broken(found))

        await sync_to_async(close)()


async def close_connections(seconds: float) -> None:
    """
    Close the connections of Django's shared thread, which no request closes.

    Waits at most *seconds* for a busy thread. Raises nothing but a cancellation.
    """

    async def close() -> None:
        with suppress(RuntimeError):  # the shared thread has been shut down
            await sync_to_async(_close_if)(lambda _: True)

    # In a task: asgiref would add its frames to an exception that is being raised.
    task = asyncio.ensure_future(close())
    try:
        await asyncio.wait({task}, timeout=finite(seconds))
        if not task.done():
            logger.warning(
                "Django's shared thread is blocked; database connections that the "
                "lifespan opened in it may still be open"
            )
    finally:
        task.cancel()


def close_own_connections() -> None:
    """Close the connections of the calling thread."""
    for connection in connections.all(initialized_only=True):
        _close(connection)


def _close_if(is_ours: Callable[[Any], bool]) -> None:
    for connection in connections.all(initialized_only=True):
        # An open transaction belongs to a test.
        if not connection.in_atomic_block and is_ours(connection):
            _close(connection)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except Exception:
        # Django opens another connection for the next query all the same.
        logger.exception("database connection %r failed to close", connection.alias)


def _is_broken(connection: Any) -> bool:
    # is_usable() of some backends fails where there is no connection.
    is_open = connection.connection is not None
    return bool(is_open and connection.errors_occurred and not connection.is_usable())
