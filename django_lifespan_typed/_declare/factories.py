"""Factories: the kinds of functions and classes that produce a resource's value."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
)
from functools import partial
from inspect import isasyncgenfunction, isawaitable, isclass, isgeneratorfunction
from types import TracebackType
from typing import Any, Final, TypeAlias

from .._compat import override
from .._text import type_name
from .._threads.worker import Worker
from .value_types import closing_method

Factory: TypeAlias = Callable[..., Any]
AsyncManager: TypeAlias = AbstractAsyncContextManager[Any]
Invalid: TypeAlias = Callable[[str, str], Exception]
"""Makes the exception for a factory, from what is wrong with it and what to do."""
Unclosed: TypeAlias = Callable[[object], object]
"""Called with a value that nothing closes."""

_YIELD_ONCE: Final = "Yield the value once"
_NO_YIELD: Final = "is created by a generator that ended without a yield"
_TWO_YIELDS: Final = "is created by a generator that yielded twice"


def as_async_manager(
    factory: Factory, name: str, invalid: Invalid, unclosed: Unclosed
) -> Callable[..., AsyncManager]:
    """
    Return *factory* as a function that returns an async context manager.

    If a function, ``async def`` or not, returns a context manager, that is entered and
    exited. Blocking factories get a thread called *name*. The context manager
    raises what *invalid* returns if the factory does not produce exactly one value.
    """
    if isasyncgenfunction(factory):
        return lambda *needs: _AsyncGenerator(factory(*needs), invalid)
    if isgeneratorfunction(factory):
        return lambda *needs: _InThread(
            lambda: _Generator(factory(*needs), invalid), name
        )
    if _is_blocking_class(factory):
        return lambda *needs: _InThread(
            lambda: _not_a_lock(factory(*needs), invalid), name
        )
    return lambda *needs: _from_result(factory(*needs), name, invalid, unclosed)


def _is_blocking_class(factory: Factory) -> bool:
    is_blocking = hasattr(factory, "__enter__") and not hasattr(factory, "__aenter__")
    return isclass(factory) and is_blocking


def _from_result(
    result: Any, name: str, invalid: Invalid, unclosed: Unclosed
) -> AsyncManager:
    given: Any = result  # isinstance would narrow it to a generic of unknowns
    # Context managers first: a file is its own iterator, a pool is awaitable.
    if isinstance(result, AbstractAsyncContextManager):
        manager: AsyncManager = _not_a_lock(given, invalid)
        return manager
    if isinstance(result, AbstractContextManager):
        _not_a_lock(given, invalid)
        return _InThread(lambda: given, name)
    if isinstance(result, AsyncIterator):
        return _AsyncGenerator(given, invalid)
    if isinstance(result, Iterator):
        return _InThread(lambda: _Generator(given, invalid), name)
    if isawaitable(result):
        return _Awaited(given, invalid, unclosed)
    raise invalid(
        f"is created by a plain function that returned {type_name(given.__class__)}",
        f"{_YIELD_ONCE}, or return it from async def",
    )


def _not_a_lock(manager: Any, invalid: Invalid) -> Any:
    """Return *manager*; raises if entering it would acquire it."""
    is_acquired = hasattr(manager, "acquire") and hasattr(manager, "release")
    # A pool of connections has these methods, too.
    can_be_closed = hasattr(manager, "close") or hasattr(manager, "aclose")
    if is_acquired and not can_be_closed:
        raise invalid(
            "is created by a function or class that returned a lock of type "
            f"{type_name(manager.__class__)}, which would be acquired until shutdown",
            "Yield the lock",
        )
    return manager


class _AsyncGenerator(AbstractAsyncContextManager[Any]):
    """An async generator as a context manager, by the rules of contextlib."""

    __slots__ = ("_generator", "_invalid")

    def __init__(self, iterator: AsyncIterator[Any], invalid: Invalid) -> None:
        is_generator = isinstance(iterator, AsyncGenerator)
        self._generator: Any = iterator if is_generator else _async_each(iterator)
        self._invalid = invalid

    @override
    async def __aenter__(self) -> Any:
        try:
            return await anext(self._generator)
        except StopAsyncIteration:
            raise self._invalid(_NO_YIELD, _YIELD_ONCE) from None

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        try:
            if error is None:
                await anext(self._generator)
            else:
                await self._generator.athrow(error)
        except StopAsyncIteration as end:
            return error is not None and end is not error
        except BaseException as raised:
            if error is None or not _is_unchanged(raised, error):
                raise
            error.__traceback__ = traceback
            return False
        await self._generator.aclose()
        raise self._invalid(_TWO_YIELDS, _YIELD_ONCE)


class _Generator(AbstractContextManager[Any]):
    """A generator as a context manager, by the rules of contextlib."""

    __slots__ = ("_generator", "_invalid")

    def __init__(self, iterator: Iterator[Any], invalid: Invalid) -> None:
        is_generator = isinstance(iterator, Generator)
        self._generator: Any = iterator if is_generator else _each(iterator)
        self._invalid = invalid

    @override
    def __enter__(self) -> Any:
        try:
            return next(self._generator)
        except StopIteration:
            raise self._invalid(_NO_YIELD, _YIELD_ONCE) from None

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        try:
            if error is None:
                next(self._generator)
            else:
                self._generator.throw(error)
        except StopIteration as end:
            return error is not None and end is not error
        except BaseException as raised:
            if error is None or not _is_unchanged(raised, error):
                raise
            error.__traceback__ = traceback
            return False
        self._generator.close()
        raise self._invalid(_TWO_YIELDS, _YIELD_ONCE)


def _is_unchanged(raised: BaseException, thrown: BaseException) -> bool:
    if raised is thrown:
        return True
    # Python wraps these when they leave a generator (PEP 479).
    is_wrapped = isinstance(thrown, StopIteration | StopAsyncIteration)
    is_wrapped = is_wrapped and isinstance(raised, RuntimeError)
    return is_wrapped and raised.__cause__ is thrown


async def _async_each(iterator: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    async for value in iterator:
        yield value


def _each(iterator: Iterator[Any]) -> Generator[Any, None, None]:
    yield from iterator


class _Awaited(AbstractAsyncContextManager[Any]):
    """The result of a coroutine, which is entered if it is a context manager."""

    __slots__ = ("_awaitable", "_invalid", "_stack", "_unclosed")

    def __init__(
        self, awaitable: Awaitable[Any], invalid: Invalid, unclosed: Unclosed
    ) -> None:
        self._awaitable = awaitable
        self._invalid = invalid
        self._unclosed = unclosed
        self._stack = AsyncExitStack()

    @override
    async def __aenter__(self) -> Any:
        value = given = await self._awaitable
        if isinstance(value, AbstractAsyncContextManager):
            manager: AsyncManager = _not_a_lock(given, self._invalid)
            return await self._stack.enter_async_context(manager)
        if isinstance(value, AbstractContextManager):
            # On the event loop, where the coroutine has made it: sqlite3 insists.
            return self._stack.enter_context(_not_a_lock(given, self._invalid))
        if isinstance(value, AsyncGenerator | Generator | Coroutine):
            raise self._not_a_value(given)
        cls: type = given.__class__
        if closing_method(cls):
            self._unclosed(given)
        return given

    def _not_a_value(self, returned: Any) -> Exception:
        function = getattr(returned, "__qualname__", type_name(returned.__class__))
        if isinstance(returned, Coroutine):
            returned.close()  # it would warn that it was never awaited
            problem, advice = "coroutine", f"Write await before the call of {function}"
        else:
            problem = "generator"
            advice = f"Decorate {function} itself, or yield its value"
        return self._invalid(
            f"is created by a coroutine function that returned the {problem} "
            f"{function}()",
            advice,
        )

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, traceback)


class _InThread(AbstractAsyncContextManager[Any]):
    """A blocking context manager, which is created and used in a thread of its own."""

    def __init__(
        self, create: Callable[[], AbstractContextManager[Any]], name: str
    ) -> None:
        self._create = create
        self._manager: AbstractContextManager[Any] | None = None
        self._worker = Worker(name)

    @override
    async def __aenter__(self) -> Any:
        step = self._worker.submit(self._enter)
        try:
            await step.done
            return step.result()
        except BaseException as error:
            # The thread cannot be interrupted: close what it opens after all.
            await self._worker.end(self._exit)
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
        manager = self._create()
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
