"""A lifespan, with Django's signals round it."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from .._declare.location import location_of
from .._declare.registry import Registry
from .._log import logger
from .._runtime.lifespan import Lifespan
from .._settings import LifespanSettings
from .._threads.cancellation import shielded
from .._threads.database import Opened
from ..signals import asgi_lifespan, asgi_shutdown, asgi_startup
from ..types import Scope
from .signal_dispatch import send

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup


@asynccontextmanager
async def run_with_signals(
    registry: Registry, scope: Scope
) -> AsyncGenerator[Lifespan]:
    """
    A lifespan, with Django's signals round it: ``asgi_lifespan`` before resources
    start, ``asgi_startup`` after; ``asgi_shutdown`` before they stop.
    """
    settings = LifespanSettings.read()
    with Opened() as opened:
        try:
            extended = await _with_managers(registry, scope, settings)
        finally:
            with shielded():
                await opened.close(settings.CANCEL_TIMEOUT)
    lifespan = Lifespan(extended)
    state = await lifespan.__aenter__()
    try:
        shared = state.copy()
        _share(shared, scope)
        with Opened() as opened:
            await send(
                asgi_startup, timeout=settings.START_TIMEOUT, scope=scope, state=state
            )
        await opened.close(settings.CANCEL_TIMEOUT)
        lifespan._check_up()
        # Receivers may write on either of the two.
        for name, value in scope.get("state", {}).items():
            if name not in shared or shared[name] is not value:
                state[name] = value
        _share(state.copy(), scope)
        if "state" in scope:
            lifespan._mirror(scope["state"])
        yield lifespan
    except BaseException:
        with shielded():
            problems = await _stop(lifespan, scope, settings)
        for problem in problems:
            logger.error("the lifespan failed to stop", exc_info=problem)
        raise
    with shielded():
        errors = await _stop(lifespan, scope, settings)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("the lifespan failed to stop", errors)


async def _stop(
    lifespan: Lifespan, scope: Scope, settings: LifespanSettings
) -> list[Exception]:
    errors: list[Exception] = []
    lifespan._will_stop()
    try:
        await send(
            asgi_shutdown,
            timeout=min(settings.STOP_TIMEOUT, settings.STOP_BUDGET),
            to_the_end=True,
            scope=scope,
            state=lifespan.state,
        )
    except Exception as error:  # the stop visits everybody
        errors.append(error)
    finally:
        try:
            await lifespan.__aexit__(None, None, None)
        except Exception as error:  # collected
            errors.append(error)
    return errors


async def _with_managers(
    registry: Registry, scope: Scope, settings: LifespanSettings
) -> Registry:
    found = await send(
        asgi_lifespan,
        timeout=settings.START_TIMEOUT,
        scope=scope,
        state=scope.get("state", {}),
    )
    if not found:
        return registry
    extended = registry.copy()
    for manager in found:
        if manager is None:
            continue  # a receiver that has nothing to add this time
        extended.add_manager(manager, location_of(manager))
    return extended


def _share(values: dict[str, Any], scope: Scope) -> None:
    # The server copies this dictionary for each request; it is never read back at
    # the stop, because some servers clear it before (ASGI: "Lifespan State").
    if "state" in scope:
        scope["state"].update(values)
