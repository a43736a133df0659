"""Reading the lifespan state from wherever code runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar, overload

from django.http import HttpRequest

from .._declare.keys import StateKey
from .._threads.asgiref import loop_in_use
from ..exceptions import LifespanNotRunning
from ..types import State
from .current import RunningLifespan, running
from .overrides import overrides
from .state import LifespanState

T = TypeVar("T")
D = TypeVar("D")

_MISSING: Final = object()


class HasScope(Protocol):
    """A Channels consumer, or anything else that carries its ASGI scope."""

    @property
    def scope(self) -> Mapping[str, Any]: ...


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
    The running value of *key*, with its type::

        client = get_state(request, HTTP)  # httpx.AsyncClient

    *source* is an ``HttpRequest`` (or Django REST framework's), an ASGI scope, or
    anything that has a ``scope`` (a Channels consumer). No middleware is needed: where
    the scope has no such state, the lifespan of the running event loop is asked, then
    the process's; where none runs, what a test overrides.

    Raises ``StateNotFound`` (a ``KeyError``), which says why, unless there is a
    *default*; ``LifespanNotRunning`` where several lifespans run and none is this
    thread's; ``TypeError`` for what is neither a source nor a key.
    """
    # The one line that a request pays for; all else is below, and rare.
    try:
        return source.scope["state"][key.name]
    except (AttributeError, KeyError, TypeError):
        return _look_further(source, key, default)


def current_state() -> LifespanState:
    """
    The state of the running lifespan, for code that has no request.

    It is that of the running event loop; in a thread without one, that of the
    process. Raises ``LifespanNotRunning`` where there is none, or more than one.
    """
    lifespan = current_lifespan()
    if lifespan is None:
        from .missing import why_none_runs  # an error has the time

        raise LifespanNotRunning(why_none_runs())
    return lifespan.state


def state_for_request() -> State:
    """
    A copy of what runs here, for a request whose server gave it no state; where
    nothing does, what a test overrides.
    """
    try:
        lifespan = current_lifespan()
    except LifespanNotRunning:
        return {}
    return overrides.values() if lifespan is None else lifespan.state.copy()


def current_lifespan() -> RunningLifespan | None:
    """
    The lifespan that ``current_state()`` reads, if any runs here; raises
    ``LifespanNotRunning`` where several do and none is this thread's.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loops = running.loops()
        if len(loops) > 1 and (mine := loop_in_use()) in loops:
            return running.on(mine)
        if len(loops) > 1:
            shown = "\n".join(f"    {loop!r}" for loop in loops)
            raise LifespanNotRunning(
                "this thread has no event loop, and the process has more than one "
                f"lifespan\n{shown}\nPass what tells them apart: the request, or its "
                "scope, to get_state()."
            ) from None
        return running.on(loops[0]) if loops else None
    return running.on(loop)


def _look_further(source: object, key: StateKey[Any], default: object) -> Any:
    if not _is_key(key):
        raise TypeError(
            f"get_state() takes a StateKey or a Resource, not {key!r}\n"
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
    if lifespan is None and key.name in (fakes := overrides.values()):
        return fakes[key.name]
    if default is not _MISSING:
        return default
    from .missing import missing  # an error has the time

    raise missing(key, lifespan, state)


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey)


def _state_of(source: Any) -> Mapping[str, Any] | None:
    scope: Any = source if hasattr(source, "keys") else getattr(source, "scope", None)
    if hasattr(scope, "keys"):
        # A test may have set request.state alone.
        return scope.get("state") or getattr(source, "state", None)
    # Django REST framework's request is none of Django's, but has one.
    request = source if _is_request(source) else getattr(source, "_request", None)
    if _is_request(request):
        return getattr(request, "state", None)  # under WSGI there is no scope
    raise TypeError(
        "get_state() takes an HttpRequest, an ASGI scope or an object with a .scope, "
        f"not {source!r}\nWithout any of them, write: current_state()[KEY]"
    )


def _is_request(given: object) -> bool:
    return isinstance(given, HttpRequest)
