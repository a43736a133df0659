"""Resources that do as their spec says, and write down when and where."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import anyio

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource

from .clock import FakeLoop
from .scenario import Act, Crash, Fault, Shape, Spec

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


class Probe:
    """One resource, and what became of it."""

    def __init__(self, number: int, spec: Spec, diary: Diary, optional: bool) -> None:
        self.name = f"r{number}"
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
        self._diary = diary
        self._crash = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None

    @property
    def has_cleanup(self) -> bool:
        return self.spec.shape is not Shape.COROUTINE

    def register(self, registry: Registry, probes: list[Probe]) -> Resource[Any]:
        needs: Any = tuple(StateKey[Value](probes[n].name) for n in self.spec.needs)
        key = StateKey[Value](self.name)
        options: Any = {"optional": True} if self.optional else {}
        declare: Any = lifespan_resource(key, needs=needs, registry=registry, **options)
        resource: Resource[Any] = declare(FACTORIES[self.spec.shape](self))
        return resource

    def crash(self) -> bool:
        """Die, if it is held; whether it is."""
        if self.started is None or self.stopping is not None or self._task is None:
            return False
        if self._task.done() or self.told_to_crash is not None:
            return False
        self.told_to_crash = self._diary.now()
        if self.spec.crash is Crash.CANCELLED or self.spec.shape is not Shape.GENERATOR:
            self._task.cancel()
        else:
            self._crash.set()
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
        return "wrong" if self.spec.start.fault is Fault.WRONG_TYPE else self.value

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

    async def start(self) -> None:
        await self.act("start", self.spec.start)

    async def stop(self) -> None:
        self.leave()
        await self.act("stop", self.spec.stop)

    @asynccontextmanager
    async def group(self) -> AsyncGenerator[None]:
        """Whose child fails when the resource is to crash."""
        made: Any
        name = f"lifespan {self.name}"  # a child of the resource's own task
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


# --- Factories


def _generator(probe: Probe) -> Callable[..., Any]:
    async def factory(*needs: object) -> AsyncIterator[Any]:
        probe.begin(needs)
        try:
            async with probe.group():
                await probe.start()
                if probe.spec.start.fault is Fault.NEVER_YIELD:
                    return
                try:
                    yield probe.enter()
                    if probe.spec.stop.fault is Fault.YIELD_TWICE:
                        await probe.stop()
                        yield probe.value
                finally:
                    if probe.spec.stop.fault is not Fault.YIELD_TWICE:
                        await probe.stop()
        finally:
            probe.end()

    return factory


def _blocking(probe: Probe) -> Callable[..., Any]:
    def factory(*needs: object) -> Iterator[Any]:
        probe.begin(needs)
        try:
            probe.act_blocking("start", probe.spec.start)
            if probe.spec.start.fault is Fault.NEVER_YIELD:
                return
            try:
                yield probe.enter()
                if probe.spec.stop.fault is Fault.YIELD_TWICE:
                    probe.leave()
                    probe.act_blocking("stop", probe.spec.stop)
                    yield probe.value
            finally:
                if probe.spec.stop.fault is not Fault.YIELD_TWICE:
                    probe.leave()
                    probe.act_blocking("stop", probe.spec.stop)
        finally:
            probe.end()

    return factory


def _coroutine(probe: Probe) -> Callable[..., Any]:
    async def factory(*needs: object) -> Any:
        probe.begin(needs)
        await probe.start()
        return probe.enter()

    return factory


def _class(probe: Probe) -> Callable[..., Any]:
    class Factory:
        def __init__(self, *needs: object) -> None:
            self.needs = needs

        async def __aenter__(self) -> Any:
            probe.begin(self.needs)
            try:
                await probe.start()
            except BaseException:
                probe.end()
                raise
            return probe.enter()

        async def __aexit__(self, *_: object) -> None:
            try:
                await probe.stop()
            finally:
                probe.end()

    return Factory


def _returning(probe: Probe) -> Callable[..., Any]:
    made = _class(probe)
    return lambda *needs: made(*needs)


FACTORIES: Final[dict[Shape, Callable[[Probe], Callable[..., Any]]]] = {
    Shape.GENERATOR: _generator,
    Shape.COROUTINE: _coroutine,
    Shape.CLASS: _class,
    Shape.RETURNING: _returning,
    Shape.BLOCKING: _blocking,
}
