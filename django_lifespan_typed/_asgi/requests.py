"""Requests in flight: recorded, and ended before the resources shut down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, final
from weakref import WeakSet

from .._log import logger
from .._settings import finite


@final
class RequestsInFlight:
    """The tasks that serve requests: the server's, and those that Django creates."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        """The tasks in which a server awaits an application."""
        # By loop: another thread may add to its own while this one is read.
        self._django_tasks: dict[
            asyncio.AbstractEventLoop, WeakSet[asyncio.Task[Any]]
        ] = {}
        self._cancelled: WeakSet[asyncio.Task[Any]] = WeakSet()

    def record_task(self) -> None:
        """Record the running task, unless it is the server's (before Django 5.0)."""
        task = asyncio.current_task()
        if task is not None and task not in self.tasks:
            tasks = self._django_tasks.get(task.get_loop())
            if tasks is None:
                tasks = self._django_tasks[task.get_loop()] = WeakSet()
            tasks.add(task)

    def cancel(self, loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[Any]]:
        """Cancel the requests on *loop*, once each; returns their tasks."""
        tasks = {
            task
            for task in (*self.tasks, *self._django_tasks.get(loop, ()))
            if task.get_loop() is loop
            and not task.done()
            and task is not asyncio.current_task(loop)
        }
        for task in tasks:
            # A task that the server has cancelled is not interrupted a second time.
            cancelling = getattr(task, "cancelling", None)  # Python 3.11
            if cancelling is None or not cancelling():
                self._cancelled.add(task)
                task.cancel()
        return tasks

    def take_back(self, task: asyncio.Task[Any]) -> bool:
        """Take back the cancellation of *task*; returns whether it was ours."""
        if task not in self._cancelled:
            return False
        self._cancelled.discard(task)
        uncancel: Callable[[], object] | None = getattr(task, "uncancel", None)
        if uncancel is not None:  # Python 3.11
            uncancel()
        return True

    async def end(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """
        Cancel the requests on *loop* and wait at most *seconds* for them to end.

        A server sends the shutdown when its connections are closed (ASGI
        specification, "Lifespan Protocol"): these requests have no client any more.
        """
        deadline = loop.time() + seconds
        # Again: a request may have started its view just before it was cancelled.
        while (tasks := self.cancel(loop)) and loop.time() < deadline:
            done, _ = await asyncio.wait(tasks, timeout=finite(deadline - loop.time()))
            for task in done:
                if not task.cancelled():
                    task.exception()  # retrieved: the log has the exceptions of views
        self._django_tasks.pop(loop, None)
        if tasks:
            logger.warning(
                "%d requests are still running %g s after cancellation; closing their "
                "resources anyway",
                len(tasks),
                seconds,
            )

    def forget(self) -> None:
        """Forget the requests of the parent process, in a forked child."""
        self.tasks.clear()
        self._django_tasks.clear()
