"""Functions of tasks that act as a test says, and tests that run in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeAlias, final

from django_lifespan_typed import LifespanTask
from tests.faults.clock import virtual_time

P = ParamSpec("P")

LIMIT = 1e7
"""Virtual seconds after which a test hangs."""


def in_virtual_time(
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Run *test* on an event loop whose clock jumps to the next timer."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with virtual_time() as loop:
            loop.call_later(LIMIT, loop.stop)
            loop.run_until_complete(test(*args, **kwargs))
            assert loop.tasks() == []
            assert loop.problems == []

    return run


def now() -> float:
    """Return the seconds since the test began."""
    return asyncio.get_running_loop().time() - 1000


async def turns(count: int = 20) -> None:
    """Let everything happen that is due now."""
    for _ in range(count):
        await asyncio.sleep(0)


def cancel_all(*, is_latest_first: bool = False) -> None:
    """Cancel all other tasks, as Ctrl-C does in ``asyncio.run`` of Python 3.10."""
    loop: Any = asyncio.get_running_loop()
    tasks: list[asyncio.Task[Any]] = loop.tasks()
    for task in reversed(tasks) if is_latest_first else tasks:
        if task is not asyncio.current_task():
            task.cancel()


# --- The steps of a run

Step: TypeAlias = Callable[[], Awaitable[object]]


def lasts(seconds: float, then: BaseException | None = None) -> Step:
    """Take *seconds*, then raise *then*."""

    async def step() -> None:
        await asyncio.sleep(seconds)
        if then is not None:
            raise then

    return step


def raises(error: BaseException) -> Step:
    """Raise *error* at once."""
    return lasts(0, error)


async def returns() -> None:
    """Return at once."""


async def forever() -> None:
    """Wait until it is cancelled."""
    await asyncio.Event().wait()


@final
class Stubborn:
    """Ignores cancellations until it is released."""

    def __init__(self) -> None:
        self.cancelled_at: list[float] = []
        self._released = asyncio.Event()

    async def __call__(self) -> None:
        while not self._released.is_set():
            try:
                await self._released.wait()
            except asyncio.CancelledError:
                self.cancelled_at.append(now())

    async def release(self) -> None:
        """Let it return."""
        self._released.set()
        await turns()


def unwinds(step: Step) -> Step:
    """Wait until it is cancelled, then do *step*."""

    async def unwinding() -> None:
        with suppress(asyncio.CancelledError):
            await forever()
        await step()

    return unwinding


# --- Tasks


class Declare(Protocol):
    """Declares a task."""

    def __call__(self, name: str, work: Work, **options: Any) -> LifespanTask[...]: ...


@final
class Work:
    """A function that does the next of *steps* in each run, and then the last again."""

    def __init__(
        self, *steps: Step, journal: list[str] | None = None, name: str = "work"
    ) -> None:
        self.steps = steps
        self.began: list[float] = []
        self.ended: list[float] = []
        self.given: list[tuple[Any, ...]] = []
        self.contexts: list[Context] = []
        self.journal = [] if journal is None else journal
        self.name = name

        async def function(*values: Any) -> None:
            await self._run(values)

        self.function = function

    async def _run(self, values: tuple[Any, ...]) -> None:
        number = len(self.began)
        self.began.append(now())
        self.given.append(values)
        self.contexts.append(copy_context())
        self.journal.append(f"+{self.name}")
        try:
            await self.steps[min(number, len(self.steps) - 1)]()
        finally:
            self.ended.append(now())
            self.journal.append(f"-{self.name}")

    @property
    def pauses(self) -> list[float]:
        """The seconds from each run to the next."""
        ends = self.ended[: len(self.began) - 1]
        return [
            began - ended for began, ended in zip(self.began[1:], ends, strict=True)
        ]

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress."""
        return len(self.began) > len(self.ended)
