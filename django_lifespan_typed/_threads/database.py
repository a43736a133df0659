"""Closes database connections that were opened outside the request cycle."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, thread as pools
from contextlib import suppress
from types import CodeType
from typing import Any, Final, final
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.signals import connection_created

from .._compat import Self
from .._log import logger
from .._settings import finite

# Private, and the same in Python 3.10 to 3.14: makes one call in a thread of a pool.
_RUN: Final[Any] = getattr(getattr(pools, "_WorkItem", None), "run", None)
_CALL_IN_POOL: Final[CodeType | None] = getattr(_RUN, "__code__", None)


@final
class OpenedConnections:
    """
    The database connections opened while a block ran, in any thread.

    Django lets only the thread that opened a connection close it. A thread of a pool
    (``asyncio.to_thread``, ``run_in_executor``) closes it as soon as its call ends.
    """

    def __init__(self) -> None:
        # Weak: the connections of a thread end with it.
        self._opened: WeakKeyDictionary[Any, threading.Thread] = WeakKeyDictionary()
        self._in_pools: list[tuple[Future[Any], Future[None]]] = []
        """Calls in thread pools, and when their connections are closed."""

    def __enter__(self) -> Self:
        connection_created.connect(self._on_created)
        return self

    def __exit__(self, *_: object) -> None:
        connection_created.disconnect(self._on_created)

    def __bool__(self) -> bool:
        """Return whether any was opened that is not closed by its own thread."""
        return bool(self._opened)

    def _on_created(self, connection: Any, **_: object) -> None:
        call = _call_in_pool()
        if call is None:
            self._opened[connection] = threading.current_thread()
            return
        closed: Future[None] = Future()

        def close(_: Future[Any]) -> None:
            try:
                if not connection.in_atomic_block:
                    _close(connection)
            finally:
                closed.set_result(None)

        self._in_pools.append((call, closed))
        call.add_done_callback(close)  # runs in the same thread

    async def close(self, seconds: float, *, always: bool = False) -> None:
        """
        Close these connections, and all of Django's shared thread.

        Waits at most *seconds* for a busy thread. Raises nothing but a cancellation.

        :param always: Close those of the shared thread even if a block opened none.
        """
        await self.closed_in_pools(seconds)
        opened = self._take()
        if opened or always:
            await _close_in_shared_thread(opened, seconds)

    async def close_only_these(self) -> None:
        """Close these connections and broken ones in Django's shared thread."""
        opened = self._take()

        def close() -> None:
            _close_if(lambda found: found in opened or _is_broken(found))
            _close_of_ended_threads(opened)

        await sync_to_async(close)()

    async def closed_in_pools(self, seconds: float) -> None:
        """Wait at most *seconds* until pools have closed those of calls that ended."""
        calls, self._in_pools = self._in_pools, []
        closing = [asyncio.wrap_future(closed) for call, closed in calls if call.done()]
        if closing:
            await asyncio.wait(closing, timeout=finite(seconds))

    def _take(self) -> WeakKeyDictionary[Any, threading.Thread]:
        opened, self._opened = self._opened, WeakKeyDictionary()
        return opened


async def _close_in_shared_thread(
    opened: WeakKeyDictionary[Any, threading.Thread], seconds: float
) -> None:
    def close() -> None:
        _close_if(lambda _: True)
        _close_of_ended_threads(opened)

    async def close_all() -> None:
        with suppress(RuntimeError):  # the shared thread has been shut down
            await sync_to_async(close)()

    # In a task: asgiref would add its frames to an exception that is being raised.
    task = asyncio.ensure_future(close_all())
    try:
        await asyncio.wait({task}, timeout=finite(seconds))
        if not task.done():
            logger.warning(
                "Django's shared thread is blocked; database connections that the "
                "lifespan opened in it may still be open"
            )
    finally:
        task.cancel()


def _call_in_pool() -> Future[Any] | None:
    """
    Return the call of a thread pool that this code is a part of, if any.

    A pool of one thread does not count: its owner may keep a transaction, a cursor or
    a session lock there between calls. Those of asgiref have one thread.
    """
    frame = sys._getframe(1)
    while frame.f_code is not _CALL_IN_POOL:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    call: Future[Any] = frame.f_locals["self"].future
    serving = frame.f_back
    reference = serving and serving.f_locals.get("executor_reference")
    pool = reference and reference()
    return None if getattr(pool, "_max_workers", 0) == 1 else call


def close_own_connections() -> None:
    """Close the connections of the calling thread."""
    for connection in connections.all(initialized_only=True):
        _close(connection)


def close_old_connections() -> None:
    """Close old and broken connections of this thread, as Django does for a request."""
    for connection in connections.all(initialized_only=True):
        _log_failure(connection, connection.close_if_unusable_or_obsolete)


def _close_if(is_ours: Callable[[Any], bool]) -> None:
    for connection in connections.all(initialized_only=True):
        # An open transaction belongs to a test.
        if not connection.in_atomic_block and is_ours(connection):
            _close(connection)


def _close_of_ended_threads(
    opened: WeakKeyDictionary[Any, threading.Thread],
) -> None:
    for connection, thread in list(opened.items()):
        if not thread.is_alive():  # nothing uses it any more
            connection.inc_thread_sharing()
            _close(connection)


def _close(connection: Any) -> None:
    _log_failure(connection, connection.close)


def _log_failure(connection: Any, close: Callable[[], None]) -> None:
    try:
        close()
    except Exception:
        # Django opens another connection for the next query all the same.
        logger.exception("database connection %r failed to close", connection.alias)


def _is_broken(connection: Any) -> bool:
    # is_usable() of some backends fails where there is no connection.
    is_open = connection.connection is not None
    return bool(is_open and connection.errors_occurred and not connection.is_usable())
