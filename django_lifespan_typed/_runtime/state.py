"""LifespanState: the running values, by name and by typed key."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar, final, overload

from django.http import HttpRequest

from .._compat import Self, override
from .._declare.keys import StateKey
from .._text import quoted, suggestion, type_name
from ..exceptions import StateNotFound
from ..types import State

T = TypeVar("T")
D = TypeVar("D")


@final
class RequestValues(dict[str, Any]):
    """The values in the scope of one request, and the event loop that they run on."""

    __slots__ = ("loop",)

    loop: AbstractEventLoop | None
    """None if no lifespan runs; set after the creation."""

    @override
    def __reduce__(self) -> tuple[object, ...]:
        # A copy of the scope (copy.deepcopy, pickle) has no event loop.
        return dict, (dict(self),)

    @override
    def __repr__(self) -> str:
        # Names only: values may hold secrets, and error pages show this.
        return f"<{type(self).__name__} of {quoted(self)}>"


@final
class LifespanState(MutableMapping[str, Any]):
    """
    The running values, by name or by key::

        state["http"]       # Any
        state[HTTP]         # httpx.AsyncClient

    A view on *by_name*, to which it writes through. Raises ``StateNotFound``, a
    ``KeyError``, for a missing name.
    """

    __slots__ = ("by_name",)

    by_name: State
    """The values themselves."""

    def __init__(self, by_name: State, /) -> None:
        self.by_name = by_name

    # str first: mypy infers {**state} from the first overload.
    @overload
    def __getitem__(self, key: str, /) -> Any: ...
    @overload
    def __getitem__(self, key: StateKey[T], /) -> T: ...
    @override
    def __getitem__(self, key: StateKey[Any] | str, /) -> Any:
        try:
            return self.by_name[key if isinstance(key, str) else key.name]
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
    # pyright and ty do not find Mapping's overloads for str after ours for keys.
    @override
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]  # ty: ignore[incompatible-method-override]
        self, key: StateKey[Any] | str, default: Any = None, /
    ) -> Any:
        return self.by_name.get(_name(key), default)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Explain ``request.state.name``; called if there is no such attribute."""
            if name.startswith("_"):  # copy, pickle and inspect look these up
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute {name!r}"
                )
            raise AttributeError(
                f"the lifespan state has no attribute {name!r}: its values are items\n"
                f'Write: request.state["{name}"], or get_state(request, KEY)'
            )

    @override
    def __contains__(self, key: object, /) -> bool:
        return _name(key) in self.by_name

    @overload
    def __setitem__(self, key: StateKey[T], value: T, /) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any, /) -> None: ...
    @override
    def __setitem__(self, key: StateKey[Any] | str, value: Any, /) -> None:
        name = _name(key)
        if not isinstance(name, str):
            raise TypeError(
                f"a lifespan state has names and keys, not {type_name(type(key))}\n"
                'Write: state[KEY] = value, or state["name"] = value'
            )
        self.by_name[name] = value

    @override
    def __delitem__(self, key: StateKey[Any] | str, /) -> None:
        try:
            del self.by_name[_name(key)]
        except KeyError:
            raise self._missing(_name(key)) from None

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    @override
    def __len__(self) -> int:
        return len(self.by_name)

    @override
    def __repr__(self) -> str:
        # Names only: values may hold secrets, and error pages show this.
        return f"<{type(self).__name__} of {quoted(self.by_name)}>"

    # The operators of a dictionary (PEP 584), which request.state was before.
    def __or__(self, other: Mapping[str, Any], /) -> dict[str, Any]:
        made: dict[str, Any] = merged(self.by_name, other)
        return made

    def __ror__(self, other: Mapping[str, Any], /) -> dict[str, Any]:
        made: dict[str, Any] = merged(other, self.by_name)
        return made

    def __ior__(self, other: Mapping[str, Any], /) -> Self:
        self.update(other)
        return self

    def __reversed__(self) -> Iterator[str]:
        return reversed([*self.by_name])

    def copy(self) -> dict[str, Any]:
        """Return a shallow copy, as servers give to each request."""
        return dict(self.by_name)

    def __copy__(self) -> LifespanState:
        # By default, the copy would be a view on the same values.
        return LifespanState(self.copy())

    def _missing(self, name: object) -> StateNotFound:
        similar = suggestion(name, self.by_name) if isinstance(name, str) else ""
        return StateNotFound(
            str(name),
            f"the lifespan state has no {name!r}\n"
            f"{similar}It has: {quoted(self.by_name)}.",
        )


def merged(first: Any, second: Any) -> Any:
    """Return the union of two mappings; ``NotImplemented`` for anything else."""
    are_both = all(isinstance(each, Mapping) for each in (first, second))
    return {**first, **second} if are_both else NotImplemented


def _name(key: object) -> Any:
    return key.name if isinstance(key, StateKey) else key


class LifespanRequest(HttpRequest):
    """A request that came through ``LifespanStateMiddleware``, for annotations."""

    state: LifespanState
