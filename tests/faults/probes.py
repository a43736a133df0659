"""Resources that act as their specs say, and record when and where."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio

from .clock import FakeLoop
from .scenario import LIMITS, MANAGERS, Act, Crash, Fault, Shape, Spec

MARK: ContextVar[str] = ContextVar("MARK", default="unset")
"""Each resource sets it to its own name at startup."""


class Failure(Exception):
    """The exception that acts raise."""


class Value:
    """The type of the value of every resource."""


class Moment:
    """A point in virtual time, and in the order of all events."""

    def __init__(self, at: float, number: int) -> None:
        self.at = at
        self.number = number

    def __repr__(self) -> str:
        return f"#{self.number}@{self.at:g}"


class Diary:
    """Numbers the events of one run."""

    def __init__(self, loop: FakeLoop) -> None:
        self.loop = loop
        self._numbers = itertools.count()
        self.release = asyncio.Event()
        """Ends the stubborn acts after the run."""

    def now(self) -> Moment:
        return Moment(self.loop.time(), next(self._numbers))

    async def act(self, act: Act, label: str) -> None:
        """Take the time of *act* and end as it says."""
        if act.seconds is not None:
            await asyncio.sleep(act.seconds)
        if act.fault is Fault.CANCELLED:
            raise asyncio.CancelledError
        if act.fault is Fault.CANCEL_ITSELF:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        elif act.fault is Fault.HANG:
            await self.release.wait()
        elif act.fault is Fault.SWALLOW:
            with suppress(asyncio.CancelledError):
                await self.release.wait()
        elif act.fault is Fault.STUBBORN:
            while not self.release.is_set():
                with suppress(asyncio.CancelledError):
                    await self.release.wait()
        else:
            raise_fault(act, label)

    def act_blocking(self, act: Act, label: str) -> None:
        if act.seconds is not None:
            self.loop.block(act.seconds)
        raise_fault(act, label)


def raise_fault(act: Act, label: str) -> None:
    if act.fault is Fault.RAISE:
        raise Failure(label)
    if act.fault is Fault.EXIT:
        raise SystemExit(label)
    if act.fault is Fault.INTERRUPT:
        raise KeyboardInterrupt(label)


@dataclass
class Checked:
    """One call of a health check."""

    began: Moment
    value: object
    mark: str
    """The mark of its context."""
    others: int
    """How many checks of the same resource were in progress."""
    ended: Moment | None = None


class Probe:
    """One resource and the record of its life."""

    def __init__(self, number: int, spec: Spec, diary: Diary, optional: bool) -> None:
        self.name = f"r{number}"
        is_manager = spec.shape in MANAGERS
        self.title = f"manager faults.{self.name}" if is_manager else self.name
        """Its name in the log."""
        self.spec = spec
        self.optional = optional
        self.value: object = Value()
        self.opened: list[tuple[object, str]] = []
        """The task or thread, and the mark of the context, in which it was opened."""
        self.closed: list[tuple[object, str]] = []
        self.found: list[str] = []
        """The marks of the contexts that it was given."""
        self.given: tuple[object, ...] = ()
        self.opening: Moment | None = None
        self.started: Moment | None = None
        """When its startup was done, even if the value was refused."""
        self.stopping: Moment | None = None
        self.closing: Moment | None = None
        self.cancelled_acts: list[str] = []
        self.reached: list[str] = []
        """The acts that went as far as their fault."""
        self.crashed_at: Moment | None = None
        self.checks: list[Checked] = []
        self.diary = diary
        self._crash = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None

    @property
    def has_cleanup(self) -> bool:
        return self.spec.shape is not Shape.COROUTINE

    @property
    def has_child(self) -> bool:
        """Whether it crashes by the failure of a child task."""
        is_generator = self.spec.shape is Shape.GENERATOR
        return is_generator and self.spec.crash is not Crash.CANCELLED

    @property
    def start_limit(self) -> float:
        own = self.spec.start_limit
        return LIMITS["START_TIMEOUT"] if own is None else own

    @property
    def stop_limit(self) -> float:
        own = self.spec.stop_limit
        return LIMITS["STOP_TIMEOUT"] if own is None else own

    @property
    def ignores_limits(self) -> bool:
        """Whether a cancellation does not end its acts."""
        acts = {self.spec.start.fault, self.spec.stop.fault}
        return self.spec.shape is Shape.BLOCKING or Fault.STUBBORN in acts

    @property
    def check_ignores_limits(self) -> bool:
        """Whether a cancellation does not end its health check."""
        check = self.spec.health
        return check is not None and (
            check.blocking or check.act.fault is Fault.STUBBORN
        )

    def crash(self) -> bool:
        """Crash if it is running; returns whether it is."""
        if self.started is None or self.stopping is not None or self._task is None:
            return False
        if self._task.done() or self.crashed_at is not None:
            return False
        self.crashed_at = self.diary.now()
        if self.has_child:
            self._crash.set()
        else:
            self._task.cancel()
        return True

    # --- Called by the factories

    def begin(self, needs: tuple[object, ...]) -> None:
        self.found.append(MARK.get())
        MARK.set(self.name)
        self.given = needs
        self.opening = self.diary.now()
        with suppress(RuntimeError):  # in a thread
            self._task = asyncio.current_task()
        self.opened.append(self._where())

    def end(self) -> None:
        self.closing = self.diary.now()
        self.closed.append(self._where())

    def enter(self) -> object:
        """Record that the startup is done; returns the value."""
        self.reached.append("start")
        self.started = self.diary.now()
        if self.spec.start.fault is Fault.WRONG_TYPE:
            return "wrong"
        is_manager = self.spec.shape in MANAGERS
        return {self.name: self.value} if is_manager else self.value

    def leave(self) -> None:
        if self.stopping is None:
            self.stopping = self.diary.now()

    async def act(self, part: str, act: Act) -> None:
        try:
            await self.diary.act(act, f"{part} of {self.name}")
        except asyncio.CancelledError:
            if act.fault not in {Fault.CANCELLED, Fault.CANCEL_ITSELF}:
                self.cancelled_acts.append(part)
            raise
        finally:
            self.reached.append(part)

    def act_blocking(self, part: str, act: Act) -> None:
        try:
            self.diary.act_blocking(act, f"{part} of {self.name}")
        finally:
            self.reached.append(part)

    async def start(self) -> None:
        await self.act("start", self.spec.start)

    async def stop(self) -> None:
        self.leave()
        await self.act("stop", self.spec.stop)

    # --- Health checks

    @contextmanager
    def checking(self, value: object) -> Generator[str]:
        """Record one health check; provides its label."""
        others = sum(checked.ended is None for checked in self.checks)
        checked = Checked(self.diary.now(), value, MARK.get(), others)
        self.checks.append(checked)
        try:
            yield f"health of {self.name}"
        finally:
            checked.ended = self.diary.now()

    # --- Crashes

    @asynccontextmanager
    async def group(self) -> AsyncGenerator[None]:
        """Open a task group whose child fails when the resource is to crash."""
        group: Any
        name = f"lifespan {self.title}"  # like the resource's own task
        async with AsyncExitStack() as stack:
            if self.spec.crash is Crash.ANYIO:
                group = await stack.enter_async_context(anyio.create_task_group())
                group.start_soon(self._child, name=name)
                stack.callback(group.cancel_scope.cancel)
            elif self.spec.crash is Crash.ASYNCIO:
                made: Any = asyncio.TaskGroup  # type: ignore[attr-defined,unused-ignore]
                group = await stack.enter_async_context(made())
                stack.callback(group.create_task(self._child(), name=name).cancel)
            yield

    async def _child(self) -> None:
        await self._crash.wait()
        raise Failure(f"crash of {self.name}")

    @staticmethod
    def _where() -> tuple[object, str]:
        try:
            return asyncio.current_task(), MARK.get()
        except RuntimeError:
            return threading.current_thread(), MARK.get()
