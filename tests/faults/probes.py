"""Resources that do as their spec says, and write down when and where."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio

from .clock import FakeLoop
from .scenario import LIMITS, MANAGERS, Act, Crash, Fault, Shape, Spec

MARK: ContextVar[str] = ContextVar("MARK", default="nobody's")
"""Set by each resource at its start, to its own name."""


class Failure(Exception):
    """What a scenario has something raise."""


class Value:
    """What every resource promises."""


class Moment:
    """A point in virtual time, and in the order of all that happens."""

    def __init__(self, at: float, number: int) -> None:
        self.at = at
        self.number = number

    def __repr__(self) -> str:
        return f"#{self.number}@{self.at:g}"


class Diary:
    """Numbers all that happens in one run."""

    def __init__(self, loop: FakeLoop) -> None:
        self.loop = loop
        self._numbers = itertools.count()
        self.release = asyncio.Event()
        """Lets go whoever hangs whatever comes, at the end of the run."""

    def now(self) -> Moment:
        return Moment(self.loop.time(), next(self._numbers))

    async def act(self, act: Act, whose: str) -> None:
        """Take that long, and end like that."""
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
            raise_if_told(act, whose)

    def act_blocking(self, act: Act, whose: str) -> None:
        if act.seconds is not None:
            self.loop.block(act.seconds)
        raise_if_told(act, whose)


def raise_if_told(act: Act, whose: str) -> None:
    if act.fault is Fault.RAISE:
        raise Failure(whose)
    if act.fault is Fault.EXIT:
        raise SystemExit(whose)
    if act.fault is Fault.INTERRUPT:
        raise KeyboardInterrupt(whose)


@dataclass
class Checked:
    """One health check that was made."""

    began: Moment
    value: object
    mark: str
    """That of the context it was made in."""
    others: int
    """How many were being made of the same resource."""
    ended: Moment | None = None


class Probe:
    """One resource, and what became of it."""

    def __init__(self, number: int, spec: Spec, diary: Diary, optional: bool) -> None:
        self.name = f"r{number}"
        self.title = self.name
        """What the lifespan calls it."""
        if spec.shape in MANAGERS:
            self.title = f"manager faults.{self.name}"
        self.spec = spec
        self.optional = optional
        self.value: object = Value()
        self.opened: list[tuple[object, str]] = []
        """Where: the task or thread, and the mark of the context."""
        self.closed: list[tuple[object, str]] = []
        self.found: list[str] = []
        self.given: tuple[object, ...] = ()
        self.opening: Moment | None = None
        self.started: Moment | None = None
        """When the start was through, by itself."""
        self.stopping: Moment | None = None
        self.closing: Moment | None = None
        self.cut: list[str] = []
        """The acts that were cancelled."""
        self.reached: list[str] = []
        """The acts that went as far as their fault."""
        self.told_to_crash: Moment | None = None
        self.checks: list[Checked] = []
        self._diary = diary
        self._crash = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None

    @property
    def has_cleanup(self) -> bool:
        return self.spec.shape is not Shape.COROUTINE

    @property
    def has_child(self) -> bool:
        """Whether it is a child's failure that it dies of."""
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

    def crash(self) -> bool:
        """Die, if it is held; whether it is."""
        if self.started is None or self.stopping is not None or self._task is None:
            return False
        if self._task.done() or self.told_to_crash is not None:
            return False
        self.told_to_crash = self._diary.now()
        if self.has_child:
            self._crash.set()
        else:
            self._task.cancel()
        return True

    # --- What the factories do

    def begin(self, needs: tuple[object, ...]) -> None:
        self.found.append(MARK.get())
        MARK.set(self.name)
        self.given = needs
        self.opening = self._diary.now()
        try:
            self._task = asyncio.current_task()
        except RuntimeError:
            self._task = None
        self.opened.append(self._place())

    def end(self) -> None:
        self.closing = self._diary.now()
        self.closed.append(self._place())

    def enter(self) -> object:
        """The start is through: what it makes."""
        self.reached.append("start")
        self.started = self._diary.now()
        if self.spec.start.fault is Fault.WRONG_TYPE:
            return "wrong"
        is_manager = self.spec.shape in MANAGERS
        return {self.name: self.value} if is_manager else self.value

    def leave(self) -> None:
        if self.stopping is None:
            self.stopping = self._diary.now()

    async def act(self, part: str, act: Act) -> None:
        try:
            await self._diary.act(act, f"{part} of {self.name}")
        except asyncio.CancelledError:
            if act.fault not in {Fault.CANCELLED, Fault.CANCEL_ITSELF}:
                self.cut.append(part)
            self.reached.append(part)
            raise
        except BaseException:
            self.reached.append(part)
            raise
        self.reached.append(part)

    def act_blocking(self, part: str, act: Act) -> None:
        try:
            self._diary.act_blocking(act, f"{part} of {self.name}")
        finally:
            self.reached.append(part)

    async def check(self, act: Act, value: object) -> object:
        checked = self._checked(value)
        try:
            await self._diary.act(act, f"health of {self.name}")
        finally:
            checked.ended = self._diary.now()
        return act.fault is not Fault.FALSE

    def check_blocking(self, act: Act, value: object) -> object:
        checked = self._checked(value)
        try:
            self._diary.act_blocking(act, f"health of {self.name}")
        finally:
            checked.ended = self._diary.now()
        return act.fault is not Fault.FALSE

    def _checked(self, value: object) -> Checked:
        others = sum(checked.ended is None for checked in self.checks)
        checked = Checked(self._diary.now(), value, MARK.get(), others)
        self.checks.append(checked)
        return checked

    async def start(self) -> None:
        await self.act("start", self.spec.start)

    async def stop(self) -> None:
        self.leave()
        await self.act("stop", self.spec.stop)

    @asynccontextmanager
    async def group(self) -> AsyncGenerator[None]:
        """Whose child fails when the resource is to crash."""
        made: Any
        name = f"lifespan {self.title}"  # a child of the resource's own task
        async with AsyncExitStack() as stack:
            if self.spec.crash is Crash.ANYIO:
                made = await stack.enter_async_context(anyio.create_task_group())
                made.start_soon(self._child, name=name)
                stack.callback(made.cancel_scope.cancel)
            elif self.spec.crash is Crash.ASYNCIO:
                group: Any = asyncio.TaskGroup  # type: ignore[attr-defined,unused-ignore]
                made = await stack.enter_async_context(group())
                stack.callback(made.create_task(self._child(), name=name).cancel)
            yield

    async def _child(self) -> None:
        await self._crash.wait()
        raise Failure(f"crash of {self.name}")

    @staticmethod
    def _place() -> tuple[object, str]:
        try:
            return asyncio.current_task(), MARK.get()
        except RuntimeError:
            return threading.current_thread(), MARK.get()
