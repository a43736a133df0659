"""One daemon thread that takes the blocking steps of one resource."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar, final

from .._log import logger
from .asgiref import use_loop
from .cancellation import by_anyio, shielded
from .database import close_own_connections

T = TypeVar("T")

# Seconds that a thread may take to end inside an anyio scope that is cancelled.
_UNWIND: Final = 1.0


@final
class _Step(Generic[T]):
    """A call for the thread, and the future that its outcome goes to."""

    __slots__ = ("_call", "_loop", "_value", "done", "error")

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.error: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def take(self) -> None:
        try:
            try:
                self._value = self._call()
            finally:
                # No request comes to this thread to close what the step opened.
                close_own_connections()
        except BaseException as error:  # it belongs to who awaits
            self.error = error
        # The loop may have been closed on a thread that was given up.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self._value


@final
class Worker:
    """
    Takes steps in order, each in the same thread and the same context.

    A thread of its own (not Django's shared one) lets blocking resources start
    concurrently, and a daemon lets the process end although one of them hangs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._steps: SimpleQueue[_Step[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, call: Callable[[], T], /) -> _Step[T]:
        """Queue *call*, without waiting for it."""
        step = _Step(call)
        if self._thread is None:
            thread = threading.Thread(
                target=self._work, name=f"lifespan {self._name}", daemon=True
            )
            thread.start()  # raises where the system allows no more of them
            self._thread = thread
        self._steps.put(step)
        return step

    async def end(self, call: Callable[[], T], /) -> T:
        """
        Run *call* as the last step. A thread cannot be interrupted: the first
        cancellation waits for it, the second leaves it alone.
        """
        step = self.submit(call)
        self.finish()
        try:
            # Not awaited itself, which would cancel it.
            await asyncio.wait({step.done})
        except asyncio.CancelledError as error:
            try:
                with shielded():
                    # A scope's deadline is not put off for as long as a thread likes.
                    limit = _UNWIND if by_anyio(error) else None
                    await asyncio.wait({step.done}, timeout=limit)
            finally:
                if not step.done.done():
                    name = self._name
                    logger.error("the thread of %r does not end; it is left open", name)
            if step.done.done():
                step.outcome()
            raise
        return step.outcome()

    def finish(self) -> None:
        """Let the thread end after the steps that are queued."""
        self._steps.put(None)

    def _work(self) -> None:
        # What it needs belongs to that loop, and async_to_sync is to find it there.
        use_loop(self._loop)
        while (step := self._steps.get()) is not None:
            self._context.run(step.take)
