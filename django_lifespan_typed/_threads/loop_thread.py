"""A thread with an event loop, for the sync code of a process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import Context
from time import monotonic
from typing import Any, ClassVar, Final, TypeVar, final
from weakref import WeakKeyDictionary

from asgiref.sync import SyncToAsync

from .._settings import LifespanSettings
from ..exceptions import LifespanError

T = TypeVar("T")

# Seconds: of a wait in pieces; of a turn of the loop for who is about to call, and in
# which that comes.
_PIECE: Final = 0.5
_TURN: Final = 0.01
_COMING: Final = 1.0


@final
class Portal:
    """
    One daemon thread with an event loop, which lives while anybody uses it.

    ``Portal.shared()`` gives the process's own; a forked child gets another.
    """

    _current: ClassVar[Portal | None] = None
    _by_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Portal]] = (
        WeakKeyDictionary()
    )
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._pid = os.getpid()
        self._users = 0
        self._expected = 0
        self._ended = False
        self._by_loop[self.loop] = self
        self._thread = threading.Thread(
            target=self._serve, name="lifespan loop", daemon=True
        )
        self._thread.start()

    @classmethod
    def shared(cls) -> Portal:
        """The portal of this process; whoever asks must ``release()`` it."""
        with cls._lock:
            if cls._current is None or not cls._current.alive:
                cls._current = cls()
            cls._current._users += 1
            return cls._current

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Portal | None:
        """The portal whose loop that is; None where it is another's."""
        return cls._by_loop.get(loop)

    def expect(self) -> bool:
        """
        Whether the loop waits for a call that is about to be scheduled, until
        ``arrived()``; False where it has ended. Else the call could be lost.
        """
        with self._lock:
            self._expected += not self._ended
            return not self._ended

    def arrived(self) -> None:
        """What was expected is a task now, or will not come."""
        with self._lock:
            self._expected = max(0, self._expected - 1)

    @classmethod
    def forget(cls) -> None:
        """A forked child has neither its parent's threads nor who held the lock."""
        cls._current = None
        cls._lock = threading.Lock()
        # Django's shared thread: asgiref would wait for the parent's for ever.
        SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)

    def release(self) -> None:
        """End the thread if this was its last user."""
        with self._lock:
            self._users -= 1
            if self._users or not self.alive:
                return
            Portal._current = None
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether its loop runs, in this process."""
        return self._pid == os.getpid() and self._thread.is_alive()

    def run(self, function: Callable[[], Coroutine[Any, Any, T]], /) -> T:
        """
        What *function* returns or raises, run on the loop, in an empty context: what
        it starts may outlive the caller. Interrupted, it is cancelled and awaited.
        """
        if threading.current_thread() is self._thread:
            raise LifespanError(
                "this code runs on the loop of the resources already, and would wait "
                "for itself\nAwait it instead: async with Lifespan() as state:"
            )
        outcome: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            tasks.append(self.loop.create_task(function()))
            tasks[0].add_done_callback(lambda task: _pass_on(task, outcome))

        def cancel() -> None:
            if not tasks:  # interrupted before it was begun
                Context().run(begin)
            # After its first step, without which a stop would stop nothing.
            self.loop.call_soon(tasks[0].cancel)

        try:
            self.loop.call_soon_threadsafe(begin, context=Context())
            # In pieces: a signal that comes just before a wait is seen just after it.
            while not wait((outcome,), timeout=_PIECE).done:
                pass
            return outcome.result()
        except BaseException:
            self._wait_out(outcome, cancel)
            raise

    def _wait_out(self, outcome: Future[T], cancel: Callable[[], object]) -> None:
        # Interrupted again, it cancels again: what is open is closed all the same.
        while not outcome.done() and self.alive:
            with suppress(BaseException):
                self.loop.call_soon_threadsafe(cancel)
                while self._thread.is_alive() and not outcome.done():
                    wait((outcome,), timeout=_PIECE)

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            try:
                self._end_tasks()
            finally:
                asyncio.set_event_loop(None)
                # Ends the idle threads of its executor too, and waits for no busy one.
                self.loop.close()

    def _begun(self) -> set[asyncio.Task[Any]]:
        # Cancelled before its first step, a call would never end (asgiref).
        until = monotonic() + _COMING
        while self._expected:
            self.loop.run_until_complete(asyncio.sleep(_TURN))
            if monotonic() > until:  # interrupted, it did not say that it is not coming
                with self._lock:
                    self._expected = 0
        return asyncio.all_tasks(self.loop)

    def _ends(self) -> bool:
        with self._lock:
            self._ended = not self._expected
            return self._ended

    def _end_tasks(self) -> None:
        given_up: set[asyncio.Task[Any]] = set()
        # Again and again: who calls in the meantime waits for what it has begun.
        while (left := self._begun() - given_up) or not self._ends():
            if not left:
                continue  # somebody is about to call
            for task in left:
                task.cancel()
            # Not gather: what ignores that it is cancelled would be waited for.
            seconds = LifespanSettings.read().CANCEL_TIMEOUT
            _, pending = self.loop.run_until_complete(
                asyncio.wait(left, timeout=seconds)
            )
            given_up |= pending
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())


def _pass_on(task: asyncio.Task[T], outcome: Future[T]) -> None:
    if task.cancelled():
        outcome.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


os.register_at_fork(after_in_child=Portal.forget)
