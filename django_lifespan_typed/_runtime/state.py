"""What a lifespan left for requests, typed by the key that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeVar, final, overload

from django.http import HttpRequest

from .._compat import Self, override
from .._declare.keys import StateKey
from .._text import quoted, suggestion
from ..exceptions import StateNotFound
from ..types import State

T = TypeVar("T")
D = TypeVar("D")


@final
class LifespanState(MutableMapping[str, Any]):
    """
    What is running, by name or by key::

        state["http"]       # Any
        state[HTTP]         # httpx.AsyncClient

    A view on *values*, which it writes through to. Raises ``StateNotFound``, a
    ``KeyError``, for what is not there.
    """

    __slots__ = ("_values",)

    _values: State

    def __init__(self, values: State, /) -> None:
        self._values = values

    # str first: mypy looks there for what {**state} is.
    @overload
    def __getitem__(self, key: str, /) -> Any: ...
    @overload
    def __getitem__(self, key: StateKey[T], /) -> T: ...
    @override
    def __getitem__(self, key: StateKey[Any] | str, /) -> Any:
        try:
            return self._values[key if isinstance(key, str) else key.name]
        except (KeyError, AttributeError):
            raise self._missing(_name(key)) from None

    @overload
    def get(self, key: StateKey[T], /) -> T | None: ...
    @overload
    def get(self, key: StateKey[T], default: D, /) -> T | D: ...
    @overload
    def get(self, key: str, /) -> Any | None: ...
    @overload
    def get(self, key: str, default: D, /) -> Any | D: ...
    # Mapping.get's overloads for str stand after ours for keys, where two of the
    # four checkers do not look for them.
    @override
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]  # ty: ignore[incompatible-method-override]
        self, key: StateKey[Any] | str, default: Any = None, /
    ) -> Any:
        return self._values.get(_name(key), default)

    @override
    def __contains__(self, key: object, /) -> bool:
        return _name(key) in self._values

    @overload
    def __setitem__(self, key: StateKey[T], value: T, /) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any, /) -> None: ...
    @override
    def __setitem__(self, key: StateKey[Any] | str, value: Any, /) -> None:
        name = _name(key)
        if not isinstance(name, str):
            raise TypeError(
                f"a lifespan state has names and keys, not {key!r}\n"
                'Write: state[KEY] = value, or state["name"] = value'
            )
        self._values[name] = value

    @override
    def __delitem__(self, key: StateKey[Any] | str, /) -> None:
        try:
            del self._values[_name(key)]
        except KeyError:
            raise self._missing(_name(key)) from None

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @override
    def __len__(self) -> int:
        return len(self._values)

    @override
    def __repr__(self) -> str:
        # Names only: values may hold secrets, and this ends up in error pages.
        return f"<{type(self).__name__} of {quoted(self._values)}>"

    # A dictionary's, as request.state was one. (PEP 584)
    def __or__(self, other: Mapping[str, Any], /) -> dict[str, Any]:
        made: dict[str, Any] = merged(self._values, other)
        return made

    def __ror__(self, other: Mapping[str, Any], /) -> dict[str, Any]:
        made: dict[str, Any] = merged(other, self._values)
        return made

    def __ior__(self, other: Mapping[str, Any], /) -> Self:
        self.update(other)
        return self

    def __reversed__(self) -> Iterator[str]:
        return reversed([*self._values])

    def copy(self) -> dict[str, Any]:
        """A shallow copy, as servers give to each request."""
        return dict(self._values)

    def __copy__(self) -> LifespanState:
        # Else it would be a view on the same values.
        return LifespanState(self.copy())

    def _missing(self, name: object) -> StateNotFound:
        similar = suggestion(name, self._values) if isinstance(name, str) else ""
        return StateNotFound(
            str(name),
            f"no {name!r} on this lifespan state\n"
            f"{similar}It has: {quoted(self._values)}.",
        )


def merged(first: Any, second: Any) -> Any:
    """What ``|`` makes of two mappings; ``NotImplemented`` of anything else."""
    are_both = all(isinstance(each, Mapping) for each in (first, second))
    return {**first, **second} if are_both else NotImplemented


def _name(key: object) -> Any:
    return key.name if isinstance(key, StateKey) else key


class LifespanRequest(HttpRequest):
    """For annotations: a request that came through ``LifespanStateMiddleware``."""

    state: LifespanState
