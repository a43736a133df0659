"""Requests in flight: recorded, and ended before the resources shut down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, final
from weakref import WeakSet

from asgiref.sync import sync_to_async

from .._log import logger
from .._settings import LifespanSettings, finite
from .._threads.cancellation import is_cancelled, uncancel


@final
class RequestsInFlight:
    """The tasks, and the calls in threads, that serve requests on one event loop."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        """The tasks in which a server awaits an application."""
        self._views: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._calls: set[Future[None]] = set()
        self._cancelled: set[asyncio.Task[Any]] = set()

    def record_view(self) -> None:
        """Record the running task, which Django created for a view (since 5.0)."""
        task = asyncio.current_task()
        if task is not None and task not in self.tasks:
            self._views.add(task)

    def recording(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a sync *view*: its thread goes on after the request is cancelled."""

        # Without functools.wraps(), which each request would pay for.
        def recorded(*args: Any, **kwargs: Any) -> Any:
            ended: Future[None] = Future()
            self._calls.add(ended)
            try:
                return view(*args, **kwargs)
            finally:
                self._calls.discard(ended)
                ended.set_result(None)

        return recorded

    def cancel_views(self) -> set[asyncio.Task[Any]]:
        """Cancel Django's views, once each; returns their tasks."""
        return self._cancel([*self._views])

    async def end(self, seconds: float) -> None:
        """
        Cancel the requests and wait at most *seconds* for them to end.

        A server sends the shutdown when its connections are closed (ASGI
        specification, "Lifespan Protocol"): these requests have no client any more.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        # Django itself ends the other tasks of a request whose view has ended.
        limit = min(seconds, LifespanSettings.read().CANCEL_TIMEOUT)
        await _wait(self.cancel_views(), limit)
        # Code of Channels' sync consumers goes on in the thread of all sync code.
        idle = asyncio.ensure_future(_shared_thread_is_idle())
        try:
            # Again: a request may have started its view before it was cancelled.
            while left := {
                *self._cancel([*self.tasks, *self._views]),
                *map(asyncio.wrap_future, self._calls.copy()),
                *([] if idle.done() else [idle]),
            }:
                if loop.time() >= deadline:
                    logger.warning(
                        "%d requests are still running %g s after cancellation; "
                        "closing their resources anyway",
                        len(left - {idle}) or 1,
                        seconds,
                    )
                    break
                await _wait(left, deadline - loop.time())
        finally:
            idle.cancel()

    def was_ended(self, task: asyncio.Task[Any]) -> bool:
        """
        Return whether the shutdown, and not the server, has cancelled *task*.

        Takes the cancellation back, or time limits around the request would see it.
        """
        if task in self._cancelled:
            self._cancelled.discard(task)
            uncancel(task)
            return True
        # Django passes the cancellation of its view on.
        return bool(self._cancelled) and not is_cancelled(task)

    def _cancel(self, tasks: Iterable[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
        left: set[asyncio.Task[Any]] = set()
        for task in tasks:
            if task is asyncio.current_task() or task.done():
                continue
            # A task that the server has cancelled is not interrupted a second time.
            if task in self._cancelled or is_cancelled(task):
                left.add(task)
            # granian --task-impl rust has one task for all requests, which refuses.
            elif task.cancel():
                self._cancelled.add(task)
                left.add(task)
        return left


async def _shared_thread_is_idle() -> None:
    with suppress(RuntimeError):  # the shared thread has been shut down
        await sync_to_async(_do_nothing)()


def _do_nothing() -> None: ...


async def _wait(
    futures: set[asyncio.Task[Any]] | set[asyncio.Future[Any]], seconds: float
) -> None:
    if not futures:
        return
    done, _ = await asyncio.wait(futures, timeout=finite(seconds))
    for future in done:
        if not future.cancelled():
            future.exception()  # retrieved: the log has the exceptions of views
