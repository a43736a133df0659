"""An event loop with virtual time, whose threads run in lockstep."""

from __future__ import annotations

import asyncio
import selectors
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from django_lifespan_typed._declare import factories as _factories
from django_lifespan_typed._runtime import health as _health
from django_lifespan_typed._threads.asgiref import use_loop
from django_lifespan_typed._threads.worker import Worker

# Real seconds after which a thread counts as stuck.
STUCK = 60.0
# Iterations of the loop at one virtual time after which it counts as spinning.
TURNS = 5_000


class Deadlock(BaseException):
    """Nothing is ready, no timer is set and no thread works."""


class Spinning(BaseException):
    """Something is always ready, and time does not pass."""


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """A selector that advances the time of *loop* instead of waiting."""

    loop: FakeLoop

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if timeout is None and not events:
            raise Deadlock(f"at {self.loop.time():g}")
        self.loop.pass_time(0 if events else timeout or 0)
        return events


class FakeLoop(asyncio.SelectorEventLoop):
    """
    An event loop whose time stands still while it works, then jumps to the next timer.

    It waits until its threads are idle or wait for virtual time, so that a run can be
    repeated exactly.
    """

    def __init__(self) -> None:
        self._now = 1000.0
        self._turns = 0
        self._closing = False
        self._working = threading.Condition()
        self._steps: dict[LockstepWorker, int] = {}
        self._parked: dict[LockstepWorker, threading.Event] = {}
        self._executor = ThreadPoolExecutor(1)
        self._numbers = count()
        self._created: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)
        # Tracebacks of the debug mode would take most of the time.
        self.set_debug(False)
        self.problems: list[dict[str, Any]] = []
        """Unhandled errors of callbacks and tasks."""
        self.set_exception_handler(lambda _, context: self.problems.append(context))

    def time(self) -> float:
        return self._now

    def create_task(self, *args: Any, **named: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(*args, **named)
        self._created[task] = next(self._numbers)
        return task

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Return all tasks, the oldest first: the order of a set is not repeatable."""
        return sorted(asyncio.all_tasks(self), key=self._created.__getitem__)

    def pass_time(self, seconds: float) -> None:
        self._turns = 0 if seconds else self._turns + 1
        if self._turns > TURNS:
            raise Spinning(f"at {self._now:g}")
        if seconds:
            # The timer's own time: a sum may differ in its last digit.
            timers: Any = self._scheduled  # type: ignore[attr-defined]
            self._now = max(self._now, timers[0]._when)

    def close(self) -> None:
        """Close the loop and end the threads that a broken runtime has left waiting."""
        with self._working:
            self._closing = True
            for released in self._parked.values():
                released.set()
        self._executor.shutdown()
        for worker in self._steps:
            worker.finish()
        self.join_threads()
        super().close()

    def join_threads(self) -> list[str]:
        """Wait for the threads that are finishing; returns the names of the others."""
        left: list[str] = []
        for worker in self._steps:
            thread: Any = worker._thread
            if worker.is_finishing:
                thread.join(STUCK)
            if thread.is_alive():
                left.append(thread.name)
        return left

    # --- Threads of executors: Django's shared one, one for each request

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, call: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        running = (executor or self._executor).submit(call, *args)
        return wrapped(running, loop=self)

    # --- Threads of blocking resources

    def begin_step(self, worker: LockstepWorker) -> None:
        with self._working:
            self._steps[worker] = self._steps.get(worker, 0) + 1

    def end_step(self, worker: LockstepWorker) -> None:
        with self._working:
            self._steps[worker] -= 1
            self._working.notify_all()

    def wait_for_threads(self) -> None:
        """Wait until each thread is idle or waits for virtual time."""
        with self._working:
            assert self._working.wait_for(
                lambda: all(
                    not steps or worker in self._parked
                    for worker, steps in self._steps.items()
                ),
                STUCK,
            )

    def block(self, seconds: float) -> None:
        """Wait for virtual time in the thread of a blocking resource."""
        worker = LockstepWorker.here.worker
        released = threading.Event()

        def release() -> None:
            with self._working:
                del self._parked[worker]
            released.set()
            self.wait_for_threads()

        with self._working:
            if self._closing:
                return
            self.call_soon_threadsafe(self.call_later, seconds, release)
            self._parked[worker] = released
            self._working.notify_all()
        assert released.wait(STUCK)


_wrap_future = asyncio.wrap_future


def wrapped(future: Any, *, loop: Any = None) -> asyncio.Future[Any]:
    """Return ``asyncio.wrap_future(future)`` once the future is done."""
    if isinstance(future, Future):
        assert wait([future], STUCK).done, future
    return _wrap_future(future, loop=loop)


class LockstepWorker(Worker):  # type: ignore[misc]
    """A worker whose loop waits for it."""

    here = threading.local()
    is_finishing = False

    def submit(self, call: Callable[[], Any], /) -> Any:
        loop: Any = self._loop
        loop.begin_step(self)
        step = super().submit(call)
        loop.wait_for_threads()
        return step

    def finish(self) -> None:
        self.is_finishing = True
        super().finish()

    def _serve(self) -> None:
        use_loop(self._loop)
        self.here.worker = self
        while (step := self._steps.get()) is not None:
            self._context.run(step.run)
            self._loop.end_step(self)


@contextmanager
def virtual_time() -> Generator[FakeLoop]:
    """Provide a fake loop whose time is the clock of the package's modules."""
    loop = FakeLoop()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("django_lifespan_typed."):
                for clock in ("monotonic", "perf_counter"):
                    if getattr(module, clock, None) is getattr(time, clock):
                        patch.setattr(module, clock, loop.time)
        for module in (_factories, _health):
            patch.setattr(module, "Worker", LockstepWorker)
        patch.setattr(asyncio, "wrap_future", wrapped)
        try:
            yield loop
        finally:
            loop.close()
