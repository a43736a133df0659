"""The decorator that declares a resource."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager as ACM,
    AbstractContextManager as CM,
)
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, final, overload

from ._factories import Factory
from ._keys import StateKey
from ._registry import Registry, default_registry
from ._resources import Resource
from ._source import Source, calling_source
from .exceptions import InvalidDeclaration

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


@dataclass(frozen=True)
class _Declaration:
    """All that is said of a resource but its factory."""

    name: str
    key: StateKey[Any] | None
    needs: tuple[StateKey[Any], ...]
    registry: Registry
    source: Source
    start_timeout: float | None
    stop_timeout: float | None

    def register(self, factory: Factory) -> Resource[Any]:
        resource = Resource[Any](
            self.name,
            factory,
            source=self.source,
            key=self.key,
            needs=self.needs,
            start_timeout=self.start_timeout,
            stop_timeout=self.stop_timeout,
        )
        _check_parameters(resource)
        self.registry.add(resource)
        return resource


@final
class _ByName(Generic[P]):
    """Takes a factory of arguments *P*; what it makes tells the value's type."""

    def __init__(self, declaration: _Declaration) -> None:
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

    def __init__(self, declaration: _Declaration) -> None:
        self._declaration = declaration

    def __call__(
        self,
        factory: Callable[
            P, ACM[T] | CM[T] | AsyncIterator[T] | Iterator[T] | Awaitable[T]
        ],
        /,
    ) -> Resource[T]:
        return self._declaration.register(factory)


@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[()] = ...,
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[A]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[A, B]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[A, B, C]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[A, B, C, D]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
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
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
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
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByName[[A, B, C, D, E, F, G, H]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[()] = ...,
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, []]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, [A]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, [A, B]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, [A, B, C]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, [A, B, C, D]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, [A, B, C, D, E]]: ...
@overload
def lifespan_resource(
    key: StateKey[T],
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
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
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
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
    registry: Registry | None = ...,
    start_timeout: float | None = ...,
    stop_timeout: float | None = ...,
) -> _ByKey[T, [A, B, C, D, E, F, G, H]]: ...
def lifespan_resource(
    key: str | StateKey[Any],
    /,
    *,
    needs: tuple[StateKey[Any], ...] = (),
    registry: Registry | None = None,
    start_timeout: float | None = None,
    stop_timeout: float | None = None,
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

    Returns the ``Resource``, which is a key: views may name it.

    Raises ``InvalidDeclaration`` for arguments that cannot work and
    ``DuplicateName`` for a name that is taken.
    """
    source = calling_source()
    if not _is_key(key):
        raise InvalidDeclaration(
            f"lifespan_resource() takes a name or a StateKey, not {key!r}",
            source,
            'Write: @lifespan_resource("some_name")',
        )
    name = key if isinstance(key, str) else key.name
    _check_needs(name, needs, source)
    _check_limit(name, "start_timeout", start_timeout, source)
    _check_limit(name, "stop_timeout", stop_timeout, source)
    declaration = _Declaration(
        name=name,
        key=None if isinstance(key, str) else key,
        needs=needs,
        registry=default_registry if registry is None else registry,
        source=source,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    by_name: type[_ByName[...]] = _ByName
    by_key: type[_ByKey[Any, ...]] = _ByKey
    return by_name(declaration) if isinstance(key, str) else by_key(declaration)


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey) or (isinstance(given, str) and given != "")


def _check_needs(name: str, needs: Any, source: Source) -> None:
    listed: list[Any] = [*needs] if isinstance(needs, tuple) else [None]
    if all(isinstance(need, StateKey) for need in listed):
        return
    raise InvalidDeclaration(
        f"lifespan resource {name!r} has needs={needs!r}, "
        "which is not a tuple of keys or resources",
        source,
        "Write: needs=(HTTP,) with the comma, and the keys, not their names.",
    )


def _check_limit(name: str, option: str, value: object, source: Source) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidDeclaration(
            f"lifespan resource {name!r} has {option}={value!r}, "
            "which is not a number of seconds above 0",
            source,
            f'Write: {option}=5.0, or {option}=float("inf") for no limit.',
        )


def _check_parameters(resource: Resource[Any]) -> None:
    try:
        signature = inspect.signature(resource.factory)
    except (TypeError, ValueError):
        return  # some classes written in C have none
    try:
        signature.bind(*resource.needs)
    except TypeError as error:
        given = ", ".join(repr(need.name) for need in resource.needs) or "nothing"
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} passes {given} to a factory "
            f"that takes {signature.replace(return_annotation=inspect.Signature.empty)}"
            f" ({error})",
            resource.declared_at,
            "Write one need in needs= for each parameter of the factory, in its order.",
        ) from None
