"""Probes: resources that record what happens to them, and steps for them to take."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from django_lifespan_typed import (
    Lifespan,
    Registry,
    Resource,
    StateKey,
    lifespan_resource,
)

from .shapes import CLOSING, SHAPES, Shape

__all__ = ["BLOCKING", "CLOSING", "SHAPES", "Shape"]

Limits = Callable[..., None]
Log = pytest.LogCaptureFixture

BLOCKING = next(shape for shape in SHAPES if shape.blocking)

MARK: ContextVar[str] = ContextVar("MARK", default="nobody's")
"""Set by each resource at its startup, to its own name."""


# --- Steps


class Step:
    """A part of a startup or a shutdown; this one does nothing."""

    async def go(self) -> None:
        """Run in an async resource."""

    def block(self) -> None:
        """Run in a blocking resource."""


class Do(Step):
    """Calls a function; an async resource also awaits what it returns."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    async def go(self) -> None:
        result = self._call()
        if isawaitable(result):
            await result

    def block(self) -> None:
        self._call()


class Raise(Step):
    """Raises *error*, once *after* has been reached."""

    def __init__(self, error: BaseException, *, after: Step | None = None) -> None:
        self._error = error
        self._after = after

    async def go(self) -> None:
        if isinstance(self._after, Hang | Interrupted):
            await self._after.reached()
        raise self._error

    def block(self) -> None:
        raise self._error


class Pause(Step):
    """Takes some turns of the event loop."""

    def __init__(self, turns: int = 5) -> None:
        self._turns = turns

    async def go(self) -> None:
        for _ in range(self._turns):
            await asyncio.sleep(0)


class Interrupted(Step):
    """Waits until it is cancelled; then it raises *error*, or ends normally."""

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error
        self._reached = asyncio.Event()

    async def go(self) -> None:
        self._reached.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        if self._error is not None:
            raise self._error

    async def reached(self) -> None:
        """Return when a resource waits in this step."""
        await self._reached.wait()


class Hang(Step):
    """Waits until it is released."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()
        self._going = asyncio.Event()

    async def go(self) -> None:
        self._reached.set()
        await self._going.wait()

    def block(self) -> None:
        self._reached.set()
        assert self._released.wait(60)

    async def reached(self) -> None:
        """Return when a resource waits in this step."""
        assert await asyncio.to_thread(self._reached.wait, 60)

    def release(self) -> None:
        """Let it continue."""
        self._released.set()
        self._going.set()


class Stubborn(Hang):
    """Waits until it is released, and ignores cancellations."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = 0

    async def go(self) -> None:
        self._reached.set()
        while not self._going.is_set():
            try:
                await self._going.wait()
            except asyncio.CancelledError:
                self.cancelled += 1


# --- Probes


@dataclass(frozen=True)
class Place:
    """The task or thread, and the context, in which code runs."""

    runs_in: object
    mark: str


class Probe:
    """Records the startups and shutdowns of one resource."""

    def __init__(
        self,
        name: str,
        journal: list[str],
        *,
        start: Step | None = None,
        stop: Step | None = None,
    ) -> None:
        self.name = name
        self.journal = journal
        self.start = start or Step()
        self.stop = stop or Step()
        self.value = object()
        self.needs: tuple[object, ...] = ()
        self.found: list[str] = []
        """The mark that was set before each startup."""
        self.opened: list[Place] = []
        self.closed: list[Place] = []

    async def open(self, *needs: object) -> object:
        with self._opening(needs):
            await self.start.go()
        return self.value

    async def close(self) -> None:
        try:
            await self.stop.go()
        finally:
            self._close()

    def open_blocking(self, *needs: object) -> object:
        with self._opening(needs):
            self.start.block()
        return self.value

    def close_blocking(self) -> None:
        try:
            self.stop.block()
        finally:
            self._close()

    @contextmanager
    def _opening(self, needs: tuple[object, ...]) -> Iterator[None]:
        self.needs = needs
        self.found.append(MARK.get())
        MARK.set(self.name)
        self.opened.append(_place())
        self.journal.append(f"+{self.name}")
        try:
            yield
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self.closed.append(_place())
        self.journal.append(f"-{self.name}")


def _place() -> Place:
    try:
        runs_in: object = asyncio.current_task()
    except RuntimeError:
        runs_in = threading.current_thread()
    return Place(runs_in, MARK.get())


class Serving:
    """A lifespan in a task of its own, as in a server."""

    def __init__(self, registry: Registry) -> None:
        self.lifespan = Lifespan(registry)
        self.started = asyncio.Event()
        self.leaving: Callable[[], Awaitable[object]] | None = None
        """Called when the task is cancelled, before the lifespan is left."""
        self.task = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        async with self.lifespan:
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                if self.leaving is not None:
                    await self.leaving()

    async def end(self) -> None:
        """Wait for the end of the task, whatever it raises."""
        await asyncio.gather(self.task, return_exceptions=True)


class Probes:
    """Probes by name, registered as resources of a registry."""

    def __init__(self, registry: Registry, journal: list[str]) -> None:
        self.registry = registry
        self.journal = journal
        self.resources: dict[str, Resource[Any]] = {}
        self._probes: dict[str, Probe] = {}

    def __getitem__(self, name: str) -> Probe:
        return self._probes[name]

    def all(self) -> list[Probe]:
        """Return the probes in the order in which they were added."""
        return list(self._probes.values())

    def opened(self) -> list[Probe]:
        """Return the probes that have been opened."""
        return [probe for probe in self.all() if probe.opened]

    def add(
        self,
        name: str,
        *needs: str,
        shape: Shape = SHAPES[0],
        start: Step | None = None,
        stop: Step | None = None,
        **options: Any,
    ) -> Probe:
        """Register a probe of that name, which depends on those named *needs*."""
        probe = Probe(name, self.journal, start=start, stop=stop)
        keys: tuple[StateKey[Any], ...] = tuple(StateKey[Any](need) for need in needs)
        declare: Any = lifespan_resource
        declared = declare(name, registry=self.registry, needs=keys, **options)
        self.resources[name] = declared(shape.make(probe))
        self._probes[name] = probe
        return probe

    def lifespan(self, **options: Any) -> Lifespan:
        """Return a lifespan of their registry, which ``phases`` and ``errors`` show."""
        self._lifespan = Lifespan(self.registry, **options)
        return self._lifespan

    async def run(self) -> None:
        """Start a lifespan and shut it down."""
        async with self.lifespan():
            pass

    async def serve(self) -> Serving:
        """Return a lifespan that has started in a task of its own."""
        serving = Serving(self.registry)
        await serving.started.wait()
        return serving

    def phases(self) -> dict[str, str]:
        """Return the phase of each resource in the last lifespan."""
        return phases(self._lifespan)

    def errors(self) -> dict[str, BaseException | None]:
        """Return the error of each resource in the last lifespan."""
        return {status.name: status.error for status in self._lifespan.status()}

    async def crash(self, name: str) -> None:
        """Cancel the task of the resource, and return when it has crashed."""
        task: Any = self[name].opened[0].runs_in
        task.cancel()
        await until(self._lifespan, name, "crashed")

    def add_chain(self, *names: str) -> None:
        """Register probes of which each depends on the one before it."""
        for index, name in enumerate(names):
            self.add(name, *names[max(index - 1, 0) : index])

    def add_all(self, needs: dict[str, tuple[str, ...]], **options: Any) -> None:
        """Register a probe for each name, in reverse order."""
        for name in reversed(needs):
            self.add(name, *needs[name], **options)


# --- Assertions and queries


def assert_closed(*probes: Probe, times: int = 1) -> None:
    """Assert that each was closed in the task or thread and context that opened it."""
    for probe in probes:
        assert len(probe.opened) == times, probe.name
        assert probe.opened == probe.closed, probe.name
        assert {place.mark for place in probe.closed} == {probe.name}
        assert set(probe.found) == {"nobody's"}, probe.name
    places = [place.runs_in for probe in probes for place in probe.opened]
    assert len(set(map(id, places))) == len(places)


def assert_order(journal: list[str], needs: dict[str, tuple[str, ...]]) -> None:
    """Assert that each started after its dependencies, and stopped before them."""
    assert len(set(journal)) == len(journal)
    for name, needed in needs.items():
        for need in needed:
            assert journal.index(f"+{need}") < journal.index(f"+{name}")
            assert journal.index(f"-{name}") < journal.index(f"-{need}")


def phases(lifespan: Lifespan) -> dict[str, str]:
    """Return the phase of each resource."""
    return {status.name: status.phase for status in lifespan.status()}


async def until(lifespan: Lifespan, name: str, phase: str) -> None:
    """Return when the resource is in that phase."""
    while phases(lifespan)[name] != phase:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)


def logged_errors(caplog: pytest.LogCaptureFixture) -> list[BaseException | None]:
    """Return the exception of each log record above INFO; None without one."""
    return [
        record.exc_info[1] if record.exc_info else None
        for record in caplog.records
        if record.name == "django_lifespan_typed" and record.levelname != "INFO"
    ]


def lifespan_threads() -> list[threading.Thread]:
    """Return the threads that run blocking resources."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("lifespan ")
    ]


def next_line() -> str:
    """Return the line after that of the call, as errors show it."""
    frame = sys._getframe(1)
    path = Path(frame.f_code.co_filename)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{frame.f_lineno + 1}"
