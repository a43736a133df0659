"""Factories: the kinds of functions and classes that produce a resource's value."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from inspect import isasyncgenfunction, isawaitable, isclass, isgeneratorfunction
from types import TracebackType
from typing import Any, Final, TypeAlias, final

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
        return lambda *needs: _in_thread(
            lambda: _generator(factory(*needs), invalid), name
        )
    if _is_blocking_class(factory):
        return lambda *needs: _in_thread(
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
        return _in_thread(lambda: given, name)
    if isinstance(result, AsyncGenerator):
        return _AsyncGenerator(given, invalid)
    if isinstance(result, Generator):
        return _in_thread(lambda: _generator(given, invalid), name)
    if isawaitable(result):
        return _awaited(given, invalid, unclosed)
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


@final
class _AsyncGenerator(AbstractAsyncContextManager[Any]):
    """
    Opens an async generator as contextlib does, with the errors of *invalid*.

    A class, since most factories are async generators: it takes half the memory.
    """

    __slots__ = ("_generator", "_invalid")

    def __init__(self, generator: Any, invalid: Invalid) -> None:
        self._generator = generator
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


def _is_unchanged(raised: BaseException, thrown: BaseException) -> bool:
    if raised is thrown:
        return True
    # Python wraps these when they leave a generator (PEP 479).
    is_wrapped = isinstance(thrown, StopIteration | StopAsyncIteration)
    is_wrapped = is_wrapped and isinstance(raised, RuntimeError)
    return is_wrapped and raised.__cause__ is thrown


@contextmanager
def _generator(generator: Generator[Any, Any, Any], invalid: Invalid) -> Generator[Any]:
    """Open a generator as contextlib does, with the errors of *invalid*."""
    try:
        value = next(generator)
    except StopIteration:
        raise invalid(_NO_YIELD, _YIELD_ONCE) from None
    try:
        yield value
    except BaseException as error:
        step = partial(generator.throw, error)
    else:
        step = partial(next, generator)
    try:
        step()
    except StopIteration:
        return
    generator.close()
    raise invalid(_TWO_YIELDS, _YIELD_ONCE)


@asynccontextmanager
async def _awaited(
    awaitable: Awaitable[Any], invalid: Invalid, unclosed: Unclosed
) -> AsyncGenerator[Any]:
    """Await a coroutine, and enter its result if that is a context manager."""
    result = given = await awaitable
    if isinstance(result, AbstractAsyncContextManager):
        async with _not_a_lock(given, invalid) as value:
            yield value
    elif isinstance(result, AbstractContextManager):
        # On the event loop, where the coroutine has made it: sqlite3 insists.
        with _not_a_lock(given, invalid) as value:
            yield value
    elif isinstance(result, AsyncGenerator | Generator | Coroutine):
        raise _not_a_value(given, invalid)
    else:
        cls: type = given.__class__
        if closing_method(cls):
            unclosed(given)
        yield given


def _not_a_value(returned: Any, invalid: Invalid) -> Exception:
    function = getattr(returned, "__qualname__", type_name(returned.__class__))
    kind, advice = "generator", f"Decorate {function} itself, or yield its value"
    if isinstance(returned, Coroutine):
        returned.close()  # it would warn that it was never awaited
        kind, advice = "coroutine", f"Write await before the call of {function}"
    return invalid(
        f"is created by a coroutine function that returned the {kind} {function}()",
        advice,
    )


@asynccontextmanager
async def _in_thread(
    create: Callable[[], AbstractContextManager[Any]], name: str
) -> AsyncGenerator[Any]:
    """Create and use a blocking context manager in a thread of its own."""
    worker, entered = Worker(name), ExitStack()
    step = worker.submit(lambda: entered.enter_context(create()))
    try:
        await step.done
        value = step.result()
    except BaseException as error:
        # The thread cannot be interrupted: close what it opens after all.
        await worker.end(entered.close)
        if step.error is not None and step.error is not error:
            error.__context__ = step.error  # raised after its time limit
        raise
    try:
        yield value
    except BaseException as error:
        details = type(error), error, error.__traceback__
        if not await worker.end(partial(entered.__exit__, *details)):
            raise
    else:
        await worker.end(entered.close)
