"""A daemon thread that runs the blocking steps of one resource."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, final

from .._log import logger
from .._text import printable
from .asgiref import use_loop
from .cancellation import shielded
from .database import close_own_connections

T = TypeVar("T")


@final
class Step(Generic[T]):
    """A call made in the worker's thread."""

    __slots__ = ("_call", "_loop", "_value", "done", "error")

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        """Has a result once the call has ended."""
        self.error: BaseException | None = None
        """The exception that the call raised."""

    def run(self) -> None:
        """Make the call; to be run in the worker's thread."""
        try:
            try:
                self._value = self._call()
            finally:
                close_own_connections()
        except BaseException as error:  # raised by result(), on the loop
            self.error = error
        with suppress(RuntimeError):  # the loop was closed after the step was abandoned
            self._loop.call_soon_threadsafe(self._on_done)

    def _on_done(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def result(self) -> T:
        """Return what the call returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self._value


@final
class Worker:
    """
    Runs steps one after another in a thread and a context of its own.

    A thread for each resource, unlike Django's shared one, lets blocking resources
    start concurrently. It is a daemon, so the process can end although a step hangs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._steps: SimpleQueue[Step[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, call: Callable[[], T], /) -> Step[T]:
        """Queue *call* without waiting for it."""
        step = Step(call)
        if self._thread is None:
            thread = threading.Thread(
                target=self._serve,
                name=f"lifespan {printable(self._name)}",
                daemon=True,
            )
            thread.start()
            self._thread = thread
        self._steps.put(step)
        return step

    async def end(self, call: Callable[[], T], /) -> T:
        """
        Run *call* as the last step and return its result.

        A thread cannot be interrupted: the first cancellation waits for the step, the
        second abandons it.
        """
        step = self.submit(call)
        self.finish()
        try:
            await asyncio.wait({step.done})  # awaited itself, it would be cancelled
        except asyncio.CancelledError:
            try:
                with shielded():
                    await asyncio.wait({step.done})
            finally:
                if not step.done.done():
                    logger.error(
                        "the thread of %r did not finish after cancellation and was "
                        "abandoned; it may still be open",
                        self._name,
                    )
            step.result()
            raise
        return step.result()

    def finish(self) -> None:
        """End the thread after the steps that are queued."""
        self._steps.put(None)

    def _serve(self) -> None:
        # Dependencies belong to that loop: async_to_sync has to run there.
        use_loop(self._loop)
        while (step := self._steps.get()) is not None:
            self._context.run(step.run)
