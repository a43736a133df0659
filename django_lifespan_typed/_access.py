"""Reading the lifespan state from wherever code runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar, overload

from django.http import HttpRequest

from ._keys import StateKey
from ._overrides import overrides
from ._portal import loop_in_use
from ._registry import default_registry
from ._running import RunningLifespan, running
from ._state import LifespanState
from ._status import ResourceStatus
from .exceptions import LifespanNotRunning, StateNotFound, quoted, suggestion
from .types import State

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

    *source* is an ``HttpRequest``, an ASGI scope, or anything that has a ``scope``
    (a Channels consumer). No middleware is needed: where the scope has no such
    state, the lifespan of the running event loop is asked, then the process's.

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
        raise LifespanNotRunning(_why_none_runs())
    return lifespan.state


def state_for_request() -> State:
    """A copy of what runs here, for a request whose server gave it no state."""
    try:
        lifespan = current_lifespan()
    except LifespanNotRunning:
        return {}
    return {} if lifespan is None else lifespan.state.copy()


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
    if default is not _MISSING:
        return default
    status = _status_of(key, lifespan)
    problem = _why_missing(key, lifespan, state)
    raise StateNotFound(key.name, problem) from (status and status.error)


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey)


def _state_of(source: Any) -> Mapping[str, Any] | None:
    scope: Any = source if hasattr(source, "keys") else getattr(source, "scope", None)
    if hasattr(scope, "keys"):
        # A test may have set request.state alone.
        return scope.get("state") or getattr(source, "state", None)
    if isinstance(source, HttpRequest):
        return getattr(source, "state", None)  # under WSGI there is no scope
    raise TypeError(
        "get_state() takes an HttpRequest, an ASGI scope or an object with a .scope, "
        f"not {source!r}\nWithout any of them, write: current_state()[KEY]"
    )


def _status_of(
    key: StateKey[Any], lifespan: RunningLifespan | None
) -> ResourceStatus | None:
    records = () if lifespan is None else lifespan.status()
    return next((status for status in records if status.name == key.name), None)


def _why_missing(
    key: StateKey[Any],
    lifespan: RunningLifespan | None,
    state: Mapping[str, Any] | None,
) -> str:
    what = f"no {key.name!r} on the lifespan state"
    if lifespan is not None:
        status = _status_of(key, lifespan)
        if status is not None:
            wrong = f" ({type(status.error).__name__})" if status.error else ""
            if status.optional and status.phase == "failed":
                return (
                    f"{what}: its resource is optional, and has failed{wrong}\n"
                    f"{status.declared_at.draw()}\n"
                    "Give a default for that case: get_state(request, KEY, None)"
                )
            return (
                f"{what}: its resource is {status.phase}{wrong}\n"
                f"{status.declared_at.draw()}\n"
                "Ask for it after it has started; pass it in needs= to be sure."
            )
        if key.name in default_registry:
            overridden = overrides.names
            return (
                f"{what}: it is registered, but not in the lifespan that runs\n"
                f"{default_registry[key.name].declared_at.draw()}\n"
                "Add it to only=, or to that lifespan's registry."
                + f"\nA test overrides {quoted(overridden)}: what only that needs does "
                "not start." * bool(overridden)
            )
    elif not state:
        return f"{what}: {_why_none_runs()}"
    elif key.name in default_registry:
        return (
            f"{what}: it is registered, but this state was not filled by a lifespan "
            f"that has it\n{default_registry[key.name].declared_at.draw()}\n"
            f"It has: {quoted(state)}.\n"
            "Add it to that state, or start a lifespan: async with Lifespan()."
        )
    known = [*(state or {}), *(lifespan.state if lifespan else ())]
    return (
        f"{what}: nothing registers it\n{key.declared_at.draw()}\n"
        f"{suggestion(key.name, known)}It has: {quoted(set(known))}.\n"
        "Declare it with @lifespan_resource in a module that is imported at start-up, "
        "by AppConfig.ready() for example."
    )


def _why_none_runs() -> str:
    loops = running.loops()
    if loops:
        shown = "\n".join(f"    {loop!r}" for loop in loops)
        return (
            "the running event loop has no lifespan\n"
            f"    {asyncio.get_running_loop()!r}\nwhile there is one on\n{shown}\n"
            "Values belong to the loop that started them: run the code there, or "
            "start a lifespan here: async with Lifespan()."
        )
    if running.last_failure is not None:
        return (
            f"the lifespan did not start: {running.last_failure}\n"
            "The log, or the server's output, has the traceback."
        )
    if running.parent is not None:
        return (
            f"the lifespan runs in process {running.parent}, which this one was forked "
            "from\nConnections are not to be shared by processes. After the fork, "
            "start a lifespan here too: with Lifespan() as state: ..."
        )
    return (
        "no lifespan runs in this process\n"
        "Under an ASGI server: let asgi.py use "
        "django_lifespan_typed.asgi.get_asgi_application, and pass scopes of type "
        '"lifespan" on to it.\n'
        "Under a WSGI server, Django's runserver too: let wsgi.py use "
        "django_lifespan_typed.wsgi.get_wsgi_application.\n"
        "In a test, a command or a shell: async with Lifespan() as state: ..."
    )
