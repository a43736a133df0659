"""get_state and current_state: running values, from wherever code runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar, overload

from django.http import HttpRequest

from .._declare.keys import StateKey
from .._text import type_name
from .._threads.asgiref import loop_in_use
from ..exceptions import LifespanNotRunning
from ..types import State
from .current import running
from .lifespan import Lifespan
from .overrides import overrides
from .state import LifespanState

T = TypeVar("T")
D = TypeVar("D")

_MISSING: Final = object()


class HasScope(Protocol):
    """A Channels consumer, or anything else with an ASGI scope."""

    @property
    def scope(self) -> Mapping[str, Any]:
        """The ASGI connection scope."""
        ...


@overload
def get_state(
    source: HttpRequest | HasScope | Mapping[str, Any], key: StateKey[T], /
) -> T: ...
@overload
def get_state(
    source: HttpRequest | HasScope | Mapping[str, Any],
    key: StateKey[T],
    default: D,
    /,
) -> T | D: ...
def get_state(source: Any, key: StateKey[Any], default: object = _MISSING, /) -> Any:
    """
    Return the running value of *key*, with its type::

        client = get_state(request, HTTP)  # httpx.AsyncClient

    No middleware is needed. If the scope has no such value, the lifespan of the running
    event loop is used, then that of the process, then what a test overrides.

    :param source: an ``HttpRequest`` (or Django REST framework's), an ASGI scope, or an
        object with a ``scope`` (a Channels consumer).
    :param key: a ``StateKey`` or ``Resource``.
    :param default: the value to return if there is none.

    Raises ``StateNotFound`` (a ``KeyError``), which says why; ``LifespanNotRunning`` if
    several lifespans run and none belongs to this thread; ``TypeError`` for a wrong
    *source* or *key*.
    """
    # Most requests pay for this line only.
    try:
        return source.scope["state"][key.name]
    except (AttributeError, KeyError, TypeError):
        return _look_further(source, key, default)


def current_state() -> LifespanState:
    """
    Return the state of the running lifespan, for code that has no request.

    It is that of the running event loop; in a thread without one, that of the process.
    Raises ``LifespanNotRunning`` if there is none, or more than one.
    """
    lifespan = current_lifespan()
    if lifespan is None:
        from .missing import why_none_runs  # only errors need the module

        raise LifespanNotRunning(why_none_runs())
    return lifespan.state


def state_for_request() -> State:
    """Return the values for a request whose scope has none; a copy."""
    try:
        lifespan = current_lifespan()
    except LifespanNotRunning:
        return {}
    return overrides.values() if lifespan is None else lifespan.state.copy()


def current_lifespan() -> Lifespan | None:
    """
    Return the lifespan that ``current_state()`` reads; None if there is none.

    Raises ``LifespanNotRunning`` if several run and none belongs to this thread.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loops = running.loops()
        if len(loops) > 1 and (own := loop_in_use()) in loops:
            return running.on(own)
        if len(loops) > 1:
            shown = "\n".join(f"    {loop!r}" for loop in loops)
            raise LifespanNotRunning(
                "this thread has no event loop, and the process has more than one "
                f"lifespan\n{shown}\nPass the request, or its scope, to get_state()."
            ) from None
        return running.on(loops[0]) if loops else None
    return running.on(loop)


def _look_further(source: object, key: StateKey[Any], default: object) -> Any:
    if not _is_key(key):
        raise TypeError(
            f"get_state() takes a StateKey or a Resource, not {type_name(type(key))}\n"
            f'Write: KEY = StateKey[SomeType]("some_name"), then '
            "get_state(request, KEY)"
        )
    state = _state_of(source)
    if state is not None and key.name in state:
        return state[key.name]
    try:
        lifespan = current_lifespan()
    except LifespanNotRunning:
        if default is not _MISSING:
            return default
        raise
    if lifespan is not None and key.name in lifespan.state:
        return lifespan.state[key.name]
    if lifespan is None and key.name in (overridden := overrides.values()):
        return overridden[key.name]
    if default is not _MISSING:
        return default
    from .missing import missing  # only errors need the module

    raise missing(key, lifespan, state)


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey)


def _state_of(source: Any) -> Mapping[str, Any] | None:
    given: object = source  # pyright narrows Any to types that it does not know
    scope: Any = source if hasattr(source, "keys") else getattr(source, "scope", None)
    if hasattr(scope, "keys"):
        # A test may have set request.state alone.
        return scope.get("state") or getattr(source, "state", None)
    # Django REST framework's request wraps Django's.
    request = source if _is_request(source) else getattr(source, "_request", None)
    if _is_request(request):
        return getattr(request, "state", None)  # under WSGI there is no scope
    raise TypeError(
        "get_state() takes an HttpRequest, an ASGI scope or an object with a .scope, "
        f"not {type_name(type(given))}\n"
        "Without any of them, write: current_state()[KEY]"
    )


def _is_request(given: object) -> bool:
    return isinstance(given, HttpRequest)
