"""The decorator that declares a resource."""

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
from .resources import HealthCheck, Resource
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
class _ByName(Generic[P]):
    """Takes a factory of arguments *P*; what it makes tells the value's type."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration

    # Context managers first: a file is its own iterator, a pool is awaitable.
    @overload
    def __call__(self, factory: Callable[P, ACM[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, CM[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, AsyncIterator[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, Iterator[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[P, Awaitable[T]], /) -> Resource[T]: ...
    def __call__(self, factory: Callable[P, object], /) -> Resource[Any]:
        return self._declaration.register(factory)


@final
class _ByKey(Generic[T, P]):
    """Takes a factory of arguments *P* that makes a *T*."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration

    def __call__(
        self,
        factory: Callable[
            P, ACM[T] | CM[T] | AsyncIterator[T] | Iterator[T] | Awaitable[T]
        ],
        /,
    ) -> Resource[T]:
        return self._declaration.register(factory)


# ``health: None`` in those without a check: ty lets unknown options pass.
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[()] = ...,
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A]],
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B, C]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B, C, D]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B, C, D, E, F]]: ...
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
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B, C, D, E, F, G]]: ...
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
    health: None = ...,
    **options: Unpack[Options],
) -> _ByName[[A, B, C, D, E, F, G, H]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[()] = ...,
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, []]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A]],
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E, F]]: ...
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
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E, F, G]]: ...
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
    health: HealthCheck[T] | None = ...,
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E, F, G, H]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[()] = ...,
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, []]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A]],
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E, F]]: ...
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
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E, F, G]]: ...
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
    health: HealthCheck[T],
    **options: Unpack[Options],
) -> _ByKey[T, [A, B, C, D, E, F, G, H]]: ...
def lifespan_resource(
    key: str | StateKey[Any],
    /,
    *,
    needs: tuple[StateKey[Any], ...] = (),
    health: HealthCheck[Any] | None = None,
    **options: Unpack[Options],
) -> object:
    """
    Declare a resource: a value that lives from server start to server stop::

        @lifespan_resource("httpx_client")
        async def httpx_client() -> AsyncGenerator[httpx.AsyncClient]:
            async with httpx.AsyncClient() as client:
                yield client

    *key* is its name on the state, or a ``StateKey`` declared elsewhere. The
    decorated factory is an async generator function, a generator function, a
    coroutine function, or anything that returns an async or sync context manager:
    a function, a class. Blocking ones run in a thread of their own.

    *needs* (up to eight keys or resources) are passed to it as positional
    arguments; it starts after them and stops before them. *registry* is the
    default one unless told otherwise. *start_timeout* and *stop_timeout* are in
    seconds; ``None`` for what ``settings.LIFESPAN`` says.

    *health* says whether the value still works: a sync or async function of it that
    raises, or returns False, if not; ``@resource.health`` is the same as a decorator.
    The lifespan goes on where an *optional* one fails to start: ``get_state`` then
    raises what names the cause, or gives its default. What needs it is optional too.

    Returns the ``Resource``, which is a key: views may name it.

    Raises ``InvalidDeclaration`` for arguments that cannot work and
    ``DuplicateName`` for a name that is taken.
    """
    declaration: type[NamedDeclaration[...] | KeyedDeclaration[Any, ...]]
    declaration = NamedDeclaration if isinstance(key, str) else KeyedDeclaration
    return declaration(key, needs, options, calling_location())
