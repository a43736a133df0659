"""A request's state that notes who fetches what from it."""

from __future__ import annotations

import sys
from collections import Counter, UserDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple, final

from .._compat import override
from .._declare.location import Location
from .._runtime.lookup import state_for_request
from .._runtime.state import LifespanState, merged
from ..types import State

_OWN = __name__.partition(".")[0]
# Between us and the line that fetches.
_BETWEEN = {"_collections_abc", "collections.abc", "typing"}


class Fetch(NamedTuple):
    """What was asked for, and from where."""

    name: str
    kind: str | None
    """The class of the value; None where there was none."""
    place: Location


@final
class Fetches:
    """What one request fetched, how often; its threads may fetch at the same time."""

    def __init__(self) -> None:
        self._counted: Counter[Fetch] = Counter()
        self._lock = Lock()

    def note(self, name: str, kind: str | None) -> None:
        fetch = Fetch(name, kind, _calling_place())
        with self._lock:
            self._counted[fetch] += 1

    def counted(self) -> dict[Fetch, int]:
        """How often each was made, in the order of the first time."""
        with self._lock:
            return dict(self._counted)


@final
class RecordedState(UserDict[str, Any]):
    """
    A view on *data* that notes each value that is taken from it by name; what is
    written to it is written to *data*.
    """

    def __init__(self, data: dict[str, Any], fetches: Fetches) -> None:
        # Not a copy, which UserDict's own would make.
        self.data = data
        self._fetches = fetches

    @override
    def __getitem__(self, key: str) -> Any:
        try:
            value = self.data[key]
        except KeyError:
            self._fetches.note(key, None)
            raise
        self._fetches.note(key, class_name(value))
        return value

    @override
    def get(self, key: Any, default: Any = None) -> Any:
        # UserDict's own does not ask for what is missing.
        try:
            return self[key]
        except KeyError:
            return default

    # UserDict's own makes another of its kind.
    @override
    def __or__(self, other: Any) -> Any:
        return merged(self.data, other)

    @override
    def __ror__(self, other: Any) -> Any:
        return merged(other, self.data)

    @override
    def copy(self) -> Any:
        return dict(self)


@final
class Watch:
    """
    Puts recorded states in the place of the states of *request*, and back again.

    Where a request has no scope (WSGI), it has one meanwhile, with what runs in this
    process: ``get_state`` and our middleware look there first.
    """

    def __init__(self, request: Any, fetches: Fetches) -> None:
        self._request = request
        self._fetches = fetches
        self._has_scope = hasattr(request, "scope")
        self._has_state = self._has_scope and request.scope.get("state") is not None

    def begin(self) -> None:
        scope = self._scope()
        if not self._has_state:
            scope["state"] = _values_of(self._request)
        in_scope = scope["state"] = self._recorded(scope["state"])

        state = getattr(self._request, "state", None)
        if isinstance(state, LifespanState):
            # In place: a middleware or a view may hold it.
            same = state.by_name is in_scope.data
            state.by_name = in_scope if same else self._recorded(state.by_name)

    def end(self) -> None:
        # The middleware may have been within, and then made it of ours.
        state = getattr(self._request, "state", None)
        if isinstance(state, LifespanState):
            state.by_name = _unrecorded(state.by_name)

        scope = self._scope()
        in_scope = scope.get("state")
        if not self._has_scope:
            del self._request.scope
        elif isinstance(in_scope, RecordedState):
            if self._has_state:
                scope["state"] = in_scope.data
            else:
                del scope["state"]

    def _scope(self) -> dict[str, Any]:
        request = self._request
        scope: dict[str, Any] = getattr(request, "scope", {})
        request.scope = scope
        return scope

    def _recorded(self, values: Any) -> RecordedState:
        if isinstance(values, RecordedState):
            return values
        return RecordedState(values, self._fetches)


def class_name(value: object) -> str:
    """The full name of its class; nothing of the value itself."""
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _values_of(request: Any) -> State:
    """What ``get_state`` would find for a request that has nothing in its scope."""
    state: Mapping[str, Any] | None = getattr(request, "state", None)
    if isinstance(state, LifespanState):
        return state.by_name
    return dict(state) if isinstance(state, Mapping) else state_for_request()


def _unrecorded(values: State) -> State:
    return values.data if isinstance(values, RecordedState) else values


def _calling_place() -> Location:
    frame = sys._getframe(1)
    while True:
        module = str(frame.f_globals.get("__name__"))
        ours = module == _OWN or module.startswith(f"{_OWN}.")
        if frame.f_back is None or (not ours and module not in _BETWEEN):
            return Location(frame.f_code.co_filename, frame.f_lineno, module)
        frame = frame.f_back
