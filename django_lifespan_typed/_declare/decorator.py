"""lifespan_resource: the decorator that declares a resource."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager as ACM,
    AbstractContextManager as CM,
)
from typing import Any, Generic, ParamSpec, TypeVar, final, overload

from .._compat import Unpack
from .keys import StateKey
from .location import calling_location
from .resources import Resource
from .validation import Declaration, Options

T = TypeVar("T")
P = ParamSpec("P")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")


@final
class NamedDeclaration(Declaration, Generic[P]):
    """
    Decorates the factory of a resource that was declared by name.

    *P* is the values of its dependencies. The factory decides the value's type.
    """

    # Context managers first: a file is its own iterator, a pool is awaitable. One that
    # a coroutine function returns is entered, too.
    @overload
    def __call__(self, factory: Callable[P, ACM[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, CM[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, AsyncIterator[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, Iterator[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, Awaitable[ACM[T]]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, Awaitable[CM[T]]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, Awaitable[T]], /) -> Resource[T]: ...
    def __call__(self, factory: Callable[P, object], /) -> Resource[Any]:
        return self.register(factory)


@final
class KeyedDeclaration(Declaration, Generic[T, P]):
    """Decorates the factory of a resource that was declared by a ``StateKey[T]``."""

    def __call__(
        self,
        factory: Callable[
            P,
            ACM[T]
            | CM[T]
            | AsyncIterator[T]
            | Iterator[T]
            | Awaitable[ACM[T] | CM[T] | T],
        ],
        /,
    ) -> Resource[T]:
        return self.register(factory)


@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[()] = ...,
    **options: Unpack[Options],
) -> NamedDeclaration[[]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A]],
    **options: Unpack[Options],
) -> NamedDeclaration[[A]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B, C]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B, C, D]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B, C, D, E, F]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A],
        StateKey[B],
        StateKey[C],
        StateKey[D],
        StateKey[E],
        StateKey[F],
        StateKey[G],
    ],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B, C, D, E, F, G]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A],
        StateKey[B],
        StateKey[C],
        StateKey[D],
        StateKey[E],
        StateKey[F],
        StateKey[G],
        StateKey[H],
    ],
    **options: Unpack[Options],
) -> NamedDeclaration[[A, B, C, D, E, F, G, H]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[()] = ...,
    **options: Unpack[Options],
) -> KeyedDeclaration[T, []]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A]],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B, C]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B, C, D]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B, C, D, E, F]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[
        StateKey[A],
        StateKey[B],
        StateKey[C],
        StateKey[D],
        StateKey[E],
        StateKey[F],
        StateKey[G],
    ],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B, C, D, E, F, G]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[
        StateKey[A],
        StateKey[B],
        StateKey[C],
        StateKey[D],
        StateKey[E],
        StateKey[F],
        StateKey[G],
        StateKey[H],
    ],
    **options: Unpack[Options],
) -> KeyedDeclaration[T, [A, B, C, D, E, F, G, H]]: ...
def lifespan_resource(
    key: str | StateKey[Any],
    /,
    *,
    needs: tuple[StateKey[Any], ...] = (),
    **options: Unpack[Options],
) -> object:
    """
    Declare a resource: a value that lives from server startup to shutdown::

        @lifespan_resource("httpx_client")
        async def httpx_client() -> AsyncGenerator[httpx.AsyncClient]:
            async with httpx.AsyncClient() as client:
                yield client

    The decorated factory is an async generator function, a generator function, a
    coroutine function, or a function or class that returns an async or sync context
    manager. Blocking factories run in a thread of their own.

    One rule for what a function returns, ``def`` or ``async def``: a context manager is
    entered at startup and exited at shutdown, and the value is what entering gives. A
    sync one is entered in a thread, or, if ``async def`` returns it, on the event loop.
    A lock is refused, because entering would acquire it: yield it. ``async def`` may
    return any other object but a generator or coroutine. Nothing closes it; one with
    ``aclose()`` or ``close()`` draws a warning.

    :param key: the resource's name on the state, or a ``StateKey``.
    :param needs: the dependencies, a tuple of up to eight keys or resources. Their
        values are passed to the factory as positional arguments. The resource starts
        after them and shuts down before them.
    :param registry: the ``Registry`` to add it to; None for the default one.
    :param start_timeout: seconds that it may take to start; None for
        ``LIFESPAN["START_TIMEOUT"]``.
    :param stop_timeout: seconds that it may take to shut down; None for
        ``LIFESPAN["STOP_TIMEOUT"]``.
    :param optional: True to let the lifespan start without the resource if it fails.
        ``get_state`` then raises ``StateNotFound`` from the cause, or returns its
        default. Its dependents must be optional too.
    :return: a decorator that returns the ``Resource``, which is a key for views.

    Raises ``InvalidDeclaration`` for arguments that cannot work, and
    ``DuplicateName`` if the registry has a resource of that name.
    """
    declaration: type[NamedDeclaration[...] | KeyedDeclaration[Any, ...]]
    declaration = NamedDeclaration if isinstance(key, str) else KeyedDeclaration
    return declaration(key, needs, options, calling_location())
