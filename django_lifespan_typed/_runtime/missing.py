"""Explains why a value, or a lifespan, is missing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from django.apps import apps
from django.core.handlers.wsgi import WSGIRequest

from .._declare.keys import StateKey
from .._declare.registry import default_registry
from .._text import address, quoted, suggestion
from .._threads.asgiref import is_in_loop
from ..exceptions import StateNotFound
from .current import running
from .lifespan import Lifespan
from .status import ResourceStatus


def missing(
    source: object,
    key: StateKey[Any],
    lifespan: Lifespan | None,
    state: Mapping[str, Any],
) -> StateNotFound:
    """Return the error for a *key* without a value, caused by its resource's error."""
    statuses = () if lifespan is None else lifespan.status()
    status = next((each for each in statuses if each.name == key.name), None)
    if status is not None:
        why = _why_not_running(status)
    elif lifespan is not None and key.name in lifespan.registry:
        why = _why_not_started(key.name, lifespan)
    elif lifespan is not None and key.name in default_registry:
        why = (
            "it is registered, but in another registry than that of the running "
            f"lifespan\n{default_registry[key.name].declared_at.draw()}\n"
            "Declare it with registry=, or start a lifespan of its registry."
        )
    elif lifespan is None and not state:
        why = why_none_runs(source)
    elif lifespan is None and key.name in default_registry:
        why = (
            "it is registered, but no lifespan that has it filled this state\n"
            f"{default_registry[key.name].declared_at.draw()}\n"
            f"The state has: {quoted(state)}.\n"
            "Add it to the state, or start a lifespan: async with Lifespan()."
        )
    else:
        names = {*state, *(lifespan.state if lifespan else ())}
        why = (
            f"it is not registered\n{key.declared_at.draw()}\n"
            f"{suggestion(key.name, names)}The state has: {quoted(names)}.\n"
            f"{_hint_about_app()}Declare it with @lifespan_resource in lifespan.py of "
            "an installed app, or in a module that AppConfig.ready() imports."
        )
    error = StateNotFound(key.name, f"no {key.name!r} on the lifespan state: {why}")
    error.__cause__ = None if status is None else status.error
    return error


def _why_not_running(status: ResourceStatus) -> str:
    kind = f" ({type(status.error).__name__})" if status.error is not None else ""
    if status.optional and status.phase == "failed":
        return (
            f"its resource is optional and has failed{kind}\n"
            f"{status.declared_at.draw()}\n"
            "Pass a default for that case: get_state(request, KEY, None)"
        )
    return (
        f"its resource is {status.phase}{kind}\n{status.declared_at.draw()}\n"
        "Use it after it has started; in a factory, pass it in needs=."
    )


def _why_not_started(name: str, lifespan: Lifespan) -> str:
    location = lifespan.registry[name].declared_at.draw()
    if lifespan.kept_out:
        return (
            f"it is registered, but did not start\n{location}\n"
            f"A test overrode {quoted(lifespan.kept_out)} at startup: their own "
            "dependencies do not start."
        )
    if lifespan.only is not None:
        return (
            f"it is registered, but not part of the running lifespan\n{location}\n"
            "Add it to only=."
        )
    return (
        f"it was declared after the lifespan had started\n{location}\n"
        f"{_hint_about_app()}Declare it in lifespan.py of an installed app, or import "
        "its module in asgi.py or wsgi.py."
    )


def _hint_about_app() -> str:
    # Before Django is set up, is_installed() raises.
    if not apps.apps_ready or apps.is_installed("django_lifespan_typed"):
        return ""
    return (
        'Add "django_lifespan_typed" to INSTALLED_APPS: it imports lifespan.py of '
        "every installed app.\n"
    )


def why_none_runs(source: object = None) -> str:
    """
    Explain why no lifespan runs for the calling code, and what to write.

    :param source: the request, or what else the value was looked up on.
    """
    loops = running.loops()
    if loops and is_in_loop():
        own = address(asyncio.get_running_loop())
        shown = "\n".join(f"    {address(loop)}" for loop in loops)
        return (
            f"the running event loop has no lifespan\n    {own}\n"
            f"while there is one on\n{shown}\n"
            "Values belong to the loop that started them: run the code there, or start "
            "a lifespan here: async with Lifespan()."
        )
    if running.last_failure is not None:
        return (
            f"the lifespan failed to start: {running.last_failure}\n"
            "The log, or the server's output, has the traceback."
        )
    if running.parent is not None:
        return (
            f"the lifespan runs in process {running.parent}, from which this one was "
            "forked\nConnections cannot be shared by processes. After the fork, start "
            "a lifespan here: with Lifespan() as state: ..."
        )
    return (
        "no lifespan is running in this process\n"
        f"{_likely_fix(source)}"
        "Under an ASGI server: in asgi.py, use "
        "django_lifespan_typed.asgi.get_asgi_application, and pass scopes of type "
        '"lifespan" on to it; around a router, write with_lifespan(...).\n'
        "Under a WSGI server, including Django's runserver: in wsgi.py, use "
        "django_lifespan_typed.wsgi.get_wsgi_application.\n"
        "In a management command: derive it from LifespanCommand. In a Celery worker: "
        "connect_lifespan(app). In a test: LifespanTestCase, or pytest's fixture "
        "lifespan.\n"
        "In a shell or a script: with Lifespan() as state: ..., or async with in async "
        "code. At import, and in AppConfig.ready(), none is running yet."
    )


def _likely_fix(source: object) -> str:
    """Return the line that fits the situation of the calling code, or nothing."""
    if _is_importing():
        return (
            "This code looks up a value while a module is imported: look it up in the "
            "function that uses it.\n"
        )
    mail = sys.modules.get("django.core.mail")
    if "PYTEST_CURRENT_TEST" in os.environ or hasattr(mail, "outbox"):
        return (
            "This is a test: derive it from "
            "django_lifespan_typed.testing.LifespanTestCase, or use pytest's fixture "
            "lifespan.\n"
        )
    if isinstance(source, WSGIRequest):
        return (
            "This is a WSGI request: in wsgi.py, use "
            "django_lifespan_typed.wsgi.get_wsgi_application.\n"
        )
    return ""


def _is_importing() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
