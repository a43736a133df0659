"""A thread with an event loop for sync code, and calls from sync code to a loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import TimeoutError as WaitTimeout, wait
from contextlib import contextmanager, suppress
from contextvars import Context
from typing import Any, ClassVar, Final, ParamSpec, TypeVar, final
from weakref import WeakSet

from asgiref.sync import async_to_sync

from .._settings import LifespanSettings, finite
from ..exceptions import LifespanError
from .asgiref import is_in_loop, use_loop
from .fork import after_fork
from .green_threads import refuse_green_threads
from .interrupts import held_interrupts

T = TypeVar("T")
P = ParamSpec("P")

_SIGNAL_INTERVAL: Final = 0.2
"""Seconds after which a waiting thread lets signal handlers run."""


@final
class LoopThread:
    """
    A daemon thread that runs an event loop while anyone uses it.

    A process has at most one: ``LoopThread.acquire()`` starts it if necessary, and the
    last ``release()`` ends it.
    """

    _current: ClassVar[LoopThread | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()
    _loops: ClassVar[WeakSet[asyncio.AbstractEventLoop]] = WeakSet()

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._loops.add(self.loop)
        self._pid = os.getpid()
        self._users = 0
        self._thread = threading.Thread(
            target=self._serve, name="lifespan loop", daemon=True
        )
        self._thread.start()

    @classmethod
    def acquire(cls) -> LoopThread:
        """Return the loop thread of this process; every caller must release it."""
        refuse_green_threads()
        with cls._lock:
            if cls._current is None or not cls._current.is_alive:
                cls._current = cls()
            cls._current._users += 1
            return cls._current

    @classmethod
    @contextmanager
    def keep_running(cls, loop: asyncio.AbstractEventLoop) -> Generator[bool]:
        """
        Keep *loop* running for a block, if it is the loop of this thread.

        Yields whether *loop* runs and is not about to end.
        """
        with cls._lock:
            thread = cls._current
            if thread is not None and thread.loop is not loop:
                thread = None
            if thread is not None:
                thread._users += 1
        try:
            yield loop.is_running() and (thread is not None or loop not in cls._loops)
        finally:
            if thread is not None:
                thread.release()

    def release(self) -> None:
        """Stop using the thread; the last user waits for its end."""
        with self._lock:
            self._users -= 1
            if self._users or not self.is_alive:
                return
            LoopThread._current = None
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the loop runs, in this process."""
        return self._pid == os.getpid() and self._thread.is_alive()

    def run(self, function: Callable[[], Coroutine[Any, Any, T]], /) -> T:
        """
        Run *function* on the loop in an empty context; returns or raises its outcome.

        If the caller is interrupted (Ctrl-C), the coroutine is cancelled and awaited
        before the interrupt is raised. Raises ``LifespanError`` on the thread itself,
        and if the loop ends meanwhile.
        """
        if threading.current_thread() is self._thread:
            raise LifespanError(
                "this code already runs on the event loop of the resources, and would "
                "wait for itself\nWrite: async with Lifespan() as state:"
            )
        tasks: list[asyncio.Task[Any] | None] = []

        async def main() -> T:
            tasks.append(asyncio.current_task())
            return await function()

        def cancel() -> None:
            # A task that is cancelled before its first step never enters its coroutine,
            # but a shutdown must begin all the same.
            if not tasks:
                self.loop.call_soon(cancel)
            for task in filter(None, tasks):
                task.cancel()

        # Empty: tasks that it starts must not keep the caller's context.
        with held_interrupts.calling(lambda: self._call_soon(cancel)):
            future = Context().run(
                lambda: asyncio.run_coroutine_threadsafe(main(), self.loop)
            )
            # Python may notice a signal only after the wait that it arrived before.
            while self.is_alive and not future.done():
                wait((future,), _SIGNAL_INTERVAL)
        if not future.done():
            raise LifespanError(
                "the event loop of the resources ended before this code had run on it"
            )
        return future.result()

    def _call_soon(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            self.loop.call_soon_threadsafe(callback)

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            try:
                self._end_tasks()
            finally:
                asyncio.set_event_loop(None)
                self.loop.close()

    def _end_tasks(self) -> None:
        # As asyncio.run() does, but a task that ignores its cancellation is abandoned.
        if tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            limit = finite(LifespanSettings.read().CANCEL_TIMEOUT)
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=limit))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())


def call_on(
    loop: asyncio.AbstractEventLoop,
    function: Callable[P, Coroutine[Any, Any, T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """
    Run *function* on *loop* and return its result.

    Queries that it makes run in the caller's thread, so in the caller's transaction.
    If the caller is interrupted, the coroutine is cancelled and awaited first. Raises
    ``LifespanError`` if waiting for it would never end.
    """
    if is_in_loop():
        raise LifespanError(
            "this code runs on an event loop, which call() would block\n"
            "Await the function instead of passing it to call()."
        )
    tasks: list[asyncio.Task[Any] | None] = []
    is_interrupted = False

    async def main() -> T:
        if is_interrupted:
            raise asyncio.CancelledError
        tasks.append(asyncio.current_task())
        return await function(*args, **kwargs)

    before = use_loop(loop)
    try:
        with LoopThread.keep_running(loop) as is_running:
            if not is_running:
                raise LifespanError(
                    f"the event loop of this lifespan is not running\n    {loop!r}\n"
                    "Call it while that loop runs, from another thread, or write: "
                    "with Lifespan() as state:"
                )
            try:
                # Not run_coroutine_threadsafe: asgiref keeps the caller's transaction.
                return async_to_sync(main)()
            except BaseException:
                is_interrupted = True
                for task in filter(None, tasks):
                    _cancel_and_wait(task, loop)
                raise
    finally:
        use_loop(before)


def _cancel_and_wait(task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
    async def cancel() -> None:
        task.cancel()
        await asyncio.wait({task})

    if task.done():
        return  # the function itself raised
    limit = min(LifespanSettings.read().CANCEL_TIMEOUT, threading.TIMEOUT_MAX)
    with suppress(RuntimeError, WaitTimeout):  # RuntimeError: the loop has been closed
        asyncio.run_coroutine_threadsafe(cancel(), loop).result(limit)


@after_fork
def _forget() -> None:
    LoopThread._current = None
    LoopThread._lock = threading.Lock()
