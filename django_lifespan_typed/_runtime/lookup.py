"""get_state and current_state: running values, from wherever code runs."""

from __future__ import annotations

from asyncio import AbstractEventLoop, _get_running_loop
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar, overload

from django.http import HttpRequest

from .._declare.keys import StateKey, wrong_key
from .._text import address, type_name
from .._threads.asgiref import loop_in_use, use_loop
from ..exceptions import LifespanNotRunning
from .current import running
from .lifespan import Lifespan
from .overrides import overrides
from .state import LifespanState, RequestValues

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

    Raises ``StateNotFound`` (a ``KeyError``), which says why; ``LifespanNotRunning`` on
    another event loop than that of the request, or if several lifespans run and none
    belongs to this thread; ``TypeError`` for a wrong *source* or *key*.

    In sync code, ``async_to_sync`` then runs on the event loop of the value.
    """
    # Most requests pay for these lines only.
    try:
        values = source.scope["state"]
        value = values[key.name]
        if values.loop is not _get_running_loop():
            _use_elsewhere(values.loop, _get_running_loop())
        return value
    except (AttributeError, KeyError, TypeError):
        return _look_further(source, key, default)


def current_state() -> LifespanState:
    """
    Return the state of the running lifespan, for code that has no request.

    It is that of the running event loop; in a thread without one, that of the process.
    In sync code, ``async_to_sync`` then runs on the event loop of that lifespan. Raises
    ``LifespanNotRunning`` if there is none, or more than one.
    """
    return current_lifespan().state


def current_lifespan() -> Lifespan:
    """
    Return the running ``Lifespan``, whose ``state`` is ``current_state()``::

        page = current_lifespan().call(client.get, url)  # sync code, in any thread

    Raises ``LifespanNotRunning`` as ``current_state()`` does.
    """
    lifespan = find_lifespan()
    if lifespan is None:
        from .missing import why_none_runs  # only errors need the module

        raise LifespanNotRunning(why_none_runs())
    return lifespan


def values_for_request() -> RequestValues:
    """Return the values for a request whose scope has none; a copy."""
    lifespan: Lifespan | None = None
    found: Mapping[str, Any] = {}
    try:
        lifespan = find_lifespan()
        found = overrides.values() if lifespan is None else lifespan.state
    except LifespanNotRunning:  # several run, and none belongs to this thread
        pass
    values = RequestValues(found)
    values.loop = None if lifespan is None else lifespan.loop
    return values


def find_lifespan() -> Lifespan | None:
    """
    Return the lifespan of the running code; None if there is none.

    In sync code, ``async_to_sync`` then runs on its event loop. Raises
    ``LifespanNotRunning`` if several run and none belongs to this thread.
    """
    running_loop = _get_running_loop()
    if running_loop is not None:
        return running.on(running_loop)
    loops = running.loops()
    loop = loop_in_use() if len(loops) > 1 else next(iter(loops), None)
    if len(loops) > 1 and loop not in loops:
        shown = "\n".join(f"    {address(loop)}" for loop in loops)
        raise LifespanNotRunning(
            "this thread has no event loop, and the process has more than one "
            f"lifespan\n{shown}\nPass the request, or its scope, to get_state()."
        )
    if loop is None:
        return None
    _use_elsewhere(loop, None)
    return running.on(loop)


def _use_elsewhere(loop: AbstractEventLoop | None, running_loop: object) -> None:
    """Use a value of *loop* in sync code; refuse it on another *running_loop*."""
    if loop is None or running_loop is loop:
        return
    if running_loop is not None:
        raise LifespanNotRunning(
            "the values of this request run on another event loop\n"
            f"    {address(loop)}\nthan this code\n    {address(running_loop)}\n"
            "Run the code on the first one: await it in the view, or write "
            "current_lifespan().call(function) in sync code."
        )
    # asgiref would wait for ever for a loop that does not run.
    if loop_in_use() is not loop and loop.is_running():
        use_loop(loop)


def _look_further(source: object, key: StateKey[Any], default: object) -> Any:
    if _is_key(source) and not _is_key(key):
        raise TypeError(
            "the arguments of get_state() are swapped\nWrite: get_state(request, KEY)"
        )
    if not _is_key(key):
        raise TypeError(
            f"get_state() takes a StateKey or a Resource, not {wrong_key(key)}"
        )
    state = _state_of(source)
    if key in state:
        loop: AbstractEventLoop | None = getattr(state.by_name, "loop", None)
        _use_elsewhere(loop, _get_running_loop())
        return state[key]
    try:
        lifespan = find_lifespan()
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

    raise missing(source, key, lifespan, state)


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey)


def _state_of(source: object) -> LifespanState:
    # A view: error pages show local variables, and its repr has no values.
    found = _mapping_of(source)
    return found if isinstance(found, LifespanState) else LifespanState(found or {})


def _mapping_of(source: Any) -> Any:
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
