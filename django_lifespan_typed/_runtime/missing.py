"""Why a value, or a lifespan, is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from django.apps import apps

from .._declare.keys import StateKey
from .._declare.registry import default_registry
from .._text import quoted, suggestion
from ..exceptions import StateNotFound
from .current import RunningLifespan, running
from .status import ResourceStatus


def missing(
    key: StateKey[Any],
    lifespan: RunningLifespan | None,
    state: Mapping[str, Any] | None,
) -> StateNotFound:
    """The error of whoever asked for *key*, with what its resource has failed of."""
    error = StateNotFound(key.name, _why(key, lifespan, state))
    status = _status_of(key, lifespan)
    error.__cause__ = None if status is None else status.error
    return error


def _status_of(
    key: StateKey[Any], lifespan: RunningLifespan | None
) -> ResourceStatus | None:
    records = () if lifespan is None else lifespan.status()
    return next((status for status in records if status.name == key.name), None)


def _why(
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
            is_default = lifespan.registry.origin is default_registry
            if is_default and lifespan.only is None and not lifespan.kept_out:
                return (
                    f"{what}: it was declared after the lifespan had started\n"
                    f"{default_registry[key.name].declared_at.draw()}\n"
                    f"{_find_it()}Declare it in lifespan.py of an installed app, or "
                    "import its module in asgi.py or wsgi.py."
                )
            return (
                f"{what}: it is registered, but not in the lifespan that runs\n"
                f"{default_registry[key.name].declared_at.draw()}\n"
                "Add it to only=, or to that lifespan's registry."
                + f"\nA test overrode {quoted(lifespan.kept_out)} when it started: "
                "what only that needs does not start." * bool(lifespan.kept_out)
            )
    elif not state:
        return f"{what}: {why_none_runs()}"
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
        f"{_find_it()}Declare it with @lifespan_resource in lifespan.py of an "
        "installed app, or in a module that is imported at start-up, by "
        "AppConfig.ready() for example."
    )


def _find_it() -> str:
    # Asked before Django is set up, the registry of apps raises.
    if not apps.apps_ready or apps.is_installed("django_lifespan_typed"):
        return ""
    return (
        'lifespan.py is looked for where "django_lifespan_typed" is in INSTALLED_APPS, '
        "which it is not.\n"
    )


def why_none_runs() -> str:
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
        '"lifespan" on to it; round a router, with_lifespan(...).\n'
        "Under a WSGI server, Django's runserver too: let wsgi.py use "
        "django_lifespan_typed.wsgi.get_wsgi_application.\n"
        "In a command: derive it from LifespanCommand. In a Celery worker: "
        "connect_lifespan(app). In a test: LifespanTestCase, or pytest's fixture "
        "lifespan.\n"
        "In a shell or a script: with Lifespan() as state: ..., or async with in async "
        "code. At import, and in AppConfig.ready(), none runs yet."
    )
