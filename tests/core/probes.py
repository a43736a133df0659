"""Resources of every shape, each a probe that writes down what happens to it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource

MARK: ContextVar[str] = ContextVar("MARK", default="nobody's")
"""Set by each resource at its start, to its own name."""


class Step:
    """A part of a start or a stop in which nothing happens."""

    async def go(self) -> None:
        """What an async resource does."""

    def block(self) -> None:
        """What a blocking resource does."""


class Raise(Step):
    """It fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def go(self) -> None:
        raise self._error

    def block(self) -> None:
        raise self._error


class Hang(Step):
    """It takes until it is released."""

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
        """Return when a resource hangs here."""
        assert await asyncio.to_thread(self._reached.wait, 60)

    def release(self) -> None:
        """Let it go on."""
        self._released.set()
        self._going.set()


class Stubborn(Hang):
    """It takes until it is released, whoever cancels it."""

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


@dataclass(frozen=True)
class Place:
    """Where code runs: in which task or thread, and in whose context."""

    runs_in: object
    mark: str


class Probe:
    """What a resource does, and where and how often it did it."""

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
        """The mark that was there before each start."""
        self.opened: list[Place] = []
        self.closed: list[Place] = []

    async def open(self, *needs: object) -> object:
        self._open(needs)
        try:
            await self.start.go()
        except BaseException:
            self._close()
            raise
        return self.value

    async def close(self) -> None:
        try:
            await self.stop.go()
        finally:
            self._close()

    def open_blocking(self, *needs: object) -> object:
        self._open(needs)
        try:
            self.start.block()
        except BaseException:
            self._close()
            raise
        return self.value

    def close_blocking(self) -> None:
        try:
            self.stop.block()
        finally:
            self._close()

    def _open(self, needs: tuple[object, ...]) -> None:
        self.needs = needs
        self.found.append(MARK.get())
        MARK.set(self.name)
        self.opened.append(_place())
        self.journal.append(f"+{self.name}")

    def _close(self) -> None:
        self.closed.append(_place())
        self.journal.append(f"-{self.name}")


def _place() -> Place:
    try:
        runs_in: object = asyncio.current_task()
    except RuntimeError:
        runs_in = threading.current_thread()
    return Place(runs_in, MARK.get())


def assert_closed(*probes: Probe, times: int = 1) -> None:
    """
    Each was closed as often as it was opened, in the task (or thread) and the
    context of its own in which it was opened.
    """
    for probe in probes:
        assert len(probe.opened) == times, probe.name
        assert probe.opened == probe.closed, probe.name
        assert {place.mark for place in probe.closed} == {probe.name}
        assert set(probe.found) == {"nobody's"}, probe.name
    places = [place.runs_in for probe in probes for place in probe.opened]
    assert len(set(map(id, places))) == len(places)


def assert_order(journal: list[str], needs: dict[str, tuple[str, ...]]) -> None:
    """Each started after what it needs, and stopped before it."""
    assert len(set(journal)) == len(journal)
    for name, needed in needs.items():
        for need in needed:
            assert journal.index(f"+{need}") < journal.index(f"+{name}")
            assert journal.index(f"-{name}") < journal.index(f"-{need}")


# --- Shapes


@dataclass(frozen=True)
class Shape:
    """A way to write a factory."""

    make: Callable[[Probe], Callable[..., Any]]
    blocking: bool = False
    closes: bool = True

    def __str__(self) -> str:
        return self.make.__name__


def async_generator_function(probe: Probe) -> Callable[..., Any]:
    async def factory(*needs: object) -> AsyncIterator[Any]:
        value = await probe.open(*needs)
        try:
            yield value
        finally:
            await probe.close()

    return factory


def generator_function(probe: Probe) -> Callable[..., Any]:
    def factory(*needs: object) -> Iterator[Any]:
        value = probe.open_blocking(*needs)
        try:
            yield value
        finally:
            probe.close_blocking()

    return factory


def async_context_manager_function(probe: Probe) -> Callable[..., Any]:
    return asynccontextmanager(async_generator_function(probe))


def context_manager_function(probe: Probe) -> Callable[..., Any]:
    return contextmanager(generator_function(probe))


def class_that_is_async(probe: Probe) -> Callable[..., Any]:
    class Factory:
        def __init__(self, *needs: object) -> None:
            self.needs = needs

        async def __aenter__(self) -> Any:
            return await probe.open(*self.needs)

        async def __aexit__(self, *_: object) -> None:
            await probe.close()

    return Factory


def class_that_blocks(probe: Probe) -> Callable[..., Any]:
    class Factory:
        def __init__(self, *needs: object) -> None:
            self.needs = needs

        def __enter__(self) -> Any:
            return probe.open_blocking(*self.needs)

        def __exit__(self, *_: object) -> None:
            probe.close_blocking()

    return Factory


def class_that_is_both(probe: Probe) -> Callable[..., Any]:
    class Factory(class_that_is_async(probe)):  # type: ignore[misc]
        def __enter__(self) -> Any:
            raise AssertionError("the async way is preferred")

        def __exit__(self, *_: object) -> None:
            raise AssertionError("the async way is preferred")

    return Factory


def function_that_returns_async(probe: Probe) -> Callable[..., Any]:
    made = class_that_is_async(probe)

    def factory(*needs: object) -> Any:
        return made(*needs)

    return factory


def lambda_that_returns_blocking(probe: Probe) -> Callable[..., Any]:
    made = class_that_blocks(probe)
    return lambda *needs: made(*needs)


def awaitable_pool_class(probe: Probe) -> Callable[..., Any]:
    class Pool(class_that_is_async(probe)):  # type: ignore[misc]
        def __await__(self) -> Generator[Any, None, Any]:
            raise AssertionError("it would never be closed")

    return Pool


def function_that_returns_awaitable_pool(probe: Probe) -> Callable[..., Any]:
    made = awaitable_pool_class(probe)
    return lambda *needs: made(*needs)


def coroutine_function(probe: Probe) -> Callable[..., Any]:
    async def factory(*needs: object) -> Any:
        return await probe.open(*needs)

    return factory


def function_that_returns_awaitable(probe: Probe) -> Callable[..., Any]:
    def factory(*needs: object) -> Awaitable[Any]:
        return asyncio.ensure_future(probe.open(*needs))

    return factory


def bound_async_method(probe: Probe) -> Callable[..., Any]:
    class Clients:
        async def connect(self, *needs: object) -> AsyncIterator[Any]:
            value = await probe.open(*needs)
            try:
                yield value
            finally:
                await probe.close()

    return Clients().connect


def bound_blocking_method(probe: Probe) -> Callable[..., Any]:
    class Clients:
        def connect(self, *needs: object) -> Iterator[Any]:
            value = probe.open_blocking(*needs)
            try:
                yield value
            finally:
                probe.close_blocking()

    return Clients().connect


def partial_of_async(probe: Probe) -> Callable[..., Any]:
    async def factory(word: str, *needs: object) -> AsyncIterator[Any]:
        assert word == "given"
        value = await probe.open(*needs)
        try:
            yield value
        finally:
            await probe.close()

    return partial(factory, "given")


def partial_of_blocking(probe: Probe) -> Callable[..., Any]:
    return partial(generator_function(probe))


def callable_instance_async(probe: Probe) -> Callable[..., Any]:
    class Maker:
        async def __call__(self, *needs: object) -> AsyncIterator[Any]:
            value = await probe.open(*needs)
            try:
                yield value
            finally:
                await probe.close()

    return Maker()


def callable_instance_blocking(probe: Probe) -> Callable[..., Any]:
    class Maker:
        def __call__(self, *needs: object) -> Iterator[Any]:
            value = probe.open_blocking(*needs)
            try:
                yield value
            finally:
                probe.close_blocking()

    return Maker()


def callable_instance_coroutine(probe: Probe) -> Callable[..., Any]:
    class Maker:
        async def __call__(self, *needs: object) -> Any:
            return await probe.open(*needs)

    return Maker()


def custom_async_iterator(probe: Probe) -> Callable[..., Any]:
    class Once:
        def __init__(self, *needs: object) -> None:
            self.needs = needs
            self.asked = 0

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Any:
            self.asked += 1
            if self.asked == 1:
                return await probe.open(*self.needs)
            await probe.close()
            raise StopAsyncIteration

    return Once


def custom_iterator(probe: Probe) -> Callable[..., Any]:
    class Once:
        def __init__(self, *needs: object) -> None:
            self.needs = needs
            self.asked = 0

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> Any:
            self.asked += 1
            if self.asked == 1:
                return probe.open_blocking(*self.needs)
            probe.close_blocking()
            raise StopIteration

    return Once


SHAPES = [
    Shape(async_generator_function),
    Shape(async_context_manager_function),
    Shape(class_that_is_async),
    Shape(class_that_is_both),
    Shape(function_that_returns_async),
    Shape(awaitable_pool_class),
    Shape(function_that_returns_awaitable_pool),
    Shape(bound_async_method),
    Shape(partial_of_async),
    Shape(callable_instance_async),
    Shape(custom_async_iterator),
    Shape(generator_function, blocking=True),
    Shape(context_manager_function, blocking=True),
    Shape(class_that_blocks, blocking=True),
    Shape(lambda_that_returns_blocking, blocking=True),
    Shape(bound_blocking_method, blocking=True),
    Shape(partial_of_blocking, blocking=True),
    Shape(callable_instance_blocking, blocking=True),
    Shape(custom_iterator, blocking=True),
    Shape(coroutine_function, closes=False),
    Shape(callable_instance_coroutine, closes=False),
    Shape(function_that_returns_awaitable, closes=False),
]
CLOSING = [shape for shape in SHAPES if shape.closes]


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
        """In the order in which they were added."""
        return list(self._probes.values())

    def add(
        self,
        name: str,
        *needs: str,
        shape: Shape = SHAPES[0],
        start: Step | None = None,
        stop: Step | None = None,
        **limits: float,
    ) -> Probe:
        """Register a probe of that name, which needs those of *needs*."""
        probe = Probe(name, self.journal, start=start, stop=stop)
        keys: tuple[StateKey[Any], ...] = tuple(StateKey[Any](need) for need in needs)
        options: dict[str, Any] = {"needs": keys, **limits}
        declare: Any = lifespan_resource(name, registry=self.registry, **options)
        self.resources[name] = declare(shape.make(probe))
        self._probes[name] = probe
        return probe

    def add_chain(self, *names: str) -> None:
        """Register probes of which each needs the one before it."""
        for index, name in enumerate(names):
            self.add(name, *names[max(index - 1, 0) : index])


def next_line() -> str:
    """The line after that of the call, as errors write it."""
    frame = sys._getframe(1)
    path = Path(frame.f_code.co_filename)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{frame.f_lineno + 1}"


def phases(lifespan: Any) -> dict[str, str]:
    """The phase of each resource."""
    return {status.name: status.phase for status in lifespan.status()}


def lifespan_threads() -> list[threading.Thread]:
    """The threads that run blocking resources."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("lifespan ")
    ]
