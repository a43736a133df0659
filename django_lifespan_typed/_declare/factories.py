"""Factories: what may make a value, and how it is entered and exited."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from inspect import isasyncgenfunction, isawaitable, isclass, isgeneratorfunction
from types import TracebackType
from typing import Any, TypeAlias

from .._compat import override
from .._threads.worker import Worker

Opened: TypeAlias = AbstractAsyncContextManager[Any]
Factory: TypeAlias = Callable[..., Any]


class NotAFactory(Exception):
    """A factory gave nothing that can be entered or awaited."""


class NeverYielded(Exception):
    """A generator ended before it had yielded a value."""


class YieldedTwice(Exception):
    """A generator yielded again when it should have ended."""


def opener(factory: Factory, name: str) -> Callable[..., Opened]:
    """
    A function that makes one use of *factory*: an async context manager. *name* is
    that of its thread, where it needs one.
    """
    if isasyncgenfunction(factory):
        return lambda *needs: _AsyncGenerator(factory(*needs))
    if isgeneratorfunction(factory):
        return lambda *needs: _InThread(lambda: _Generator(factory(*needs)), name)
    if isclass(factory) and _is_sync_only(factory):
        return lambda *needs: _InThread(partial(_called, factory, *needs), name)
    return lambda *needs: _from_result(factory(*needs), name)


def _called(factory: Factory, *needs: Any) -> Any:
    return factory(*needs)


def _is_sync_only(cls: type) -> bool:
    return hasattr(cls, "__enter__") and not hasattr(cls, "__aenter__")


def _from_result(made: Any, name: str) -> Opened:
    known: Any = made  # isinstance would narrow it to a generic of unknowns
    # Context managers first: a file is its own iterator, a pool is awaitable.
    if isinstance(made, AbstractAsyncContextManager):
        opened: Opened = known
        return opened
    if isinstance(made, AbstractContextManager):
        return _InThread(lambda: known, name)
    if isinstance(made, AsyncIterator):
        return _AsyncGenerator(known)
    if isinstance(made, Iterator):
        return _InThread(lambda: _Generator(known), name)
    if isawaitable(made):
        return _Awaited(known)
    raise NotAFactory(type(made).__qualname__)


# Made once: contextlib would copy names and docstrings at each start.
@asynccontextmanager
def _entering(generator: Any) -> AsyncGenerator[Any, None]:
    given: AsyncGenerator[Any, None] = generator
    return given


@contextmanager
def _entering_blocking(generator: Any) -> Generator[Any, None, None]:
    given: Generator[Any, None, None] = generator
    return given


class _AsyncGenerator(AbstractAsyncContextManager[Any]):
    """An async generator, entered at its yield; its rules are contextlib's."""

    def __init__(self, iterator: AsyncIterator[Any]) -> None:
        is_generator = isinstance(iterator, AsyncGenerator)
        self._generator: Any = iterator if is_generator else _each(iterator)
        self._manager = _entering(self._generator)

    @override
    async def __aenter__(self) -> Any:
        try:
            return await self._manager.__aenter__()
        except RuntimeError as error:
            if _said_by_contextlib(error, "didn't yield"):
                raise NeverYielded from None
            raise

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._manager.__aexit__(kind, error, traceback)
        except RuntimeError as problem:
            if _said_by_contextlib(problem, "didn't stop"):
                await self._generator.aclose()
                raise YieldedTwice from None
            raise


class _InThread(AbstractAsyncContextManager[Any]):
    """A blocking context manager: made, entered and exited in one own thread."""

    def __init__(
        self, make: Callable[[], AbstractContextManager[Any]], name: str
    ) -> None:
        self._make = make
        self._manager: AbstractContextManager[Any] | None = None
        self._worker = Worker(name)

    @override
    async def __aenter__(self) -> Any:
        step = self._worker.submit(self._enter)
        try:
            await step.done
            return step.result()
        except BaseException as error:
            # A thread cannot be interrupted: what opens late is closed at once.
            await self._worker.end(self._undo)
            if step.error is not None and step.error is not error:
                error.__context__ = step.error  # raised after its time limit
            raise

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._worker.end(partial(self._exit, kind, error, traceback))

    def _enter(self) -> Any:
        manager = self._make()
        value = manager.__enter__()
        self._manager = manager
        return value

    def _exit(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> bool | None:
        manager, self._manager = self._manager, None
        return manager.__exit__(kind, error, traceback) if manager else None

    def _undo(self) -> None:
        self._exit()


class _Awaited(AbstractAsyncContextManager[Any]):
    """A coroutine's result; there is nothing to clean up."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable

    @override
    async def __aenter__(self) -> Any:
        return await self._awaitable

    @override
    async def __aexit__(self, *_: object) -> None:
        return None


class _Generator(AbstractContextManager[Any]):
    """A generator, entered at its yield; its rules are contextlib's."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        is_generator = isinstance(iterator, Generator)
        self._generator: Any = iterator if is_generator else _each_blocking(iterator)
        self._manager = _entering_blocking(self._generator)

    @override
    def __enter__(self) -> Any:
        try:
            return self._manager.__enter__()
        except RuntimeError as error:
            if _said_by_contextlib(error, "didn't yield"):
                raise NeverYielded from None
            raise

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return self._manager.__exit__(kind, error, traceback)
        except RuntimeError as problem:
            if _said_by_contextlib(problem, "didn't stop"):
                self._generator.close()
                raise YieldedTwice from None
            raise


async def _each(iterator: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    async for value in iterator:
        yield value


def _each_blocking(iterator: Iterator[Any]) -> Generator[Any, None, None]:
    yield from iterator


def _said_by_contextlib(error: RuntimeError, words: str) -> bool:
    # Of our generator: a helper that the factory uses says it deeper down.
    frames = error.__traceback__
    is_last = frames and frames.tb_next is not None and frames.tb_next.tb_next is None
    said = len(error.args) == 1 and f"generator {words}" in str(error.args[0])
    return said and bool(is_last)
