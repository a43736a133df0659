"""Recording which values a request looks up, and where in the code."""

from __future__ import annotations

from collections import Counter, UserDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple, final

from .._compat import override
from .._declare.location import Location, calling_location
from .._runtime.lookup import values_for_request
from .._runtime.state import LifespanState, merged
from .._text import type_name

# Modules between the code that looks up a value and this one.
_MAPPING_MODULES = ("_collections_abc", "collections.abc", "collections")


class Lookup(NamedTuple):
    """One place in the code that looks up one value."""

    name: str
    type_name: str | None
    """None if there was no such value."""
    location: Location


@final
class Lookups:
    """The lookups of one request, and how often each was made."""

    def __init__(self) -> None:
        self._counts: Counter[Lookup] = Counter()
        # A request may use several threads.
        self._lock = Lock()

    def add(self, name: str, type_name: str | None) -> None:
        """Count a lookup by the calling code."""
        lookup = Lookup(name, type_name, calling_location(*_MAPPING_MODULES))
        with self._lock:
            self._counts[lookup] += 1

    def counts(self) -> dict[Lookup, int]:
        """Return how often each lookup was made, in the order of the first time."""
        with self._lock:
            return dict(self._counts)


@final
class RecordedState(UserDict[str, Any]):
    """A mapping that records lookups; it reads from and writes to *data*."""

    def __init__(self, data: Any, lookups: Lookups) -> None:
        # UserDict.__init__() would copy it.
        self.data = data
        self._lookups = lookups

    @property
    def loop(self) -> Any:
        """The event loop of the values; None if it is unknown."""
        return getattr(self.data, "loop", None)

    @override
    def __getitem__(self, key: str) -> Any:
        try:
            value = self.data[key]
        except KeyError:
            self._lookups.add(key, None)
            raise
        self._lookups.add(key, type_of(value))
        return value

    @override
    def get(self, key: Any, default: Any = None) -> Any:
        # UserDict.get() does not look up a missing key.
        try:
            return self[key]
        except KeyError:
            return default

    # These would call __init__() of this class with one argument.
    @override
    def __or__(self, other: Any) -> Any:
        return merged(self.data, other)

    @override
    def __ror__(self, other: Any) -> Any:
        return merged(other, self.data)

    @override
    def copy(self) -> Any:
        return dict(self)


def type_of(value: object) -> str:
    """Return the name of the type of *value*, and nothing of the value itself."""
    return type_name(type(value))


def record_lookups(request: Any, lookups: Lookups) -> None:
    """
    Record lookups of *request* with ``get_state()`` and ``request.state`` from now on.

    A WSGI request has no scope. It gets one, because ``get_state()`` and
    ``LifespanStateMiddleware`` look there first.
    """
    state: Any = getattr(request, "state", None)
    scope: dict[str, Any] = getattr(request, "scope", {})
    request.scope = scope
    in_scope: Any = scope.get("state")
    if in_scope is None:
        in_scope = state.by_name if _is_lifespan_state(state) else state
        if not _is_mapping(in_scope):
            in_scope = values_for_request()
    scope["state"] = RecordedState(in_scope, lookups)
    if _is_lifespan_state(state):
        request.state = LifespanState(RecordedState(state, lookups))


# isinstance() would make pyright narrow what is Any to types that it does not know.
def _is_lifespan_state(given: object) -> bool:
    return isinstance(given, LifespanState)


def _is_mapping(given: object) -> bool:
    return isinstance(given, Mapping)
