"""Starts and stops a lifespan for a server, with Django's signals around it."""

from __future__ import annotations

import asyncio
from typing import Any

from .._declare.location import location_of
from .._declare.registry import Registry, manager_resource
from .._declare.resources import Resource
from .._log import logger
from .._runtime.current import running
from .._runtime.lifespan import Lifespan
from .._settings import LifespanSettings
from .._text import summary
from .._threads.cancellation import shielded
from ..signals import asgi_lifespan, asgi_shutdown, asgi_startup
from ..types import Scope, State
from .signal_dispatch import send


async def start_with_signals(registry: Registry, scope: Scope) -> Lifespan:
    """
    Start a lifespan, or join the one that runs all of *registry* on this loop.

    Sends ``asgi_startup`` afterwards, and ``asgi_lifespan`` before the resources start;
    not to a lifespan that it joins, whose resources have started.
    """
    settings = LifespanSettings.read()
    lifespan = running.complete_on(asyncio.get_running_loop(), registry)
    if lifespan is not None:
        lifespan.join()
    else:
        managers = await _managers_of_receivers(registry, scope, settings)
        lifespan = Lifespan(
            registry,
            extra_managers=managers,
            run_tasks=settings.TASKS == "server",
        )
        await lifespan.__aenter__()
    try:
        await _send_startup(lifespan, scope, settings)
    except BaseException:
        with shielded():
            await stop_with_signals(lifespan, scope)
        raise
    return lifespan


async def stop_with_signals(lifespan: Lifespan, scope: Scope) -> list[Exception]:
    """
    Send ``asgi_shutdown``, then leave *lifespan*; returns the exceptions of both.

    They are in the log, with the tracebacks: those of receivers by Django.
    """
    settings = LifespanSettings.read()
    errors: list[Exception] = []
    # Receivers use the time budget of the shutdown.
    lifespan.announce_stop()
    try:
        await send(
            asgi_shutdown,
            timeout=min(settings.STOP_TIMEOUT, settings.STOP_BUDGET),
            to_the_end=True,
            scope=scope,
            state=lifespan.state,
        )
    except Exception as error:
        logger.error("asgi_shutdown failed: %s", summary(error))
        errors.append(error)
    finally:
        try:
            await lifespan.__aexit__(None, None, None)
        except Exception as error:
            errors.append(error)
    return errors


def share_state(lifespan: Lifespan, scope: Scope) -> None:
    """
    Fill ``scope["state"]``, which the server copies for each request.

    Never read back at shutdown: some servers clear it before (ASGI specification,
    "Lifespan State").
    """
    if scope.get("state") is not None:
        scope["state"].update(lifespan.state)


async def _send_startup(
    lifespan: Lifespan, scope: Scope, settings: LifespanSettings
) -> None:
    state = lifespan.state
    share_state(lifespan, scope)
    shared: State = scope.get("state") or {}
    before = {**shared}
    await send(asgi_startup, timeout=settings.START_TIMEOUT, scope=scope, state=state)
    lifespan.raise_crash()
    # Receivers may write to either of the two states.
    for name, value in shared.items():
        if name not in before or before[name] is not value:
            state[name] = value
    share_state(lifespan, scope)


async def _managers_of_receivers(
    registry: Registry, scope: Scope, settings: LifespanSettings
) -> list[Resource[Any]]:
    state: State = scope.get("state") or {}
    found = await send(
        asgi_lifespan, timeout=settings.START_TIMEOUT, scope=scope, state=state
    )
    registered = [manager.factory for manager in registry.managers]
    managers: list[Resource[Any]] = []
    for factory in found:
        # None is the answer of a receiver that has nothing to add.
        if factory is not None and factory not in registered:
            names = [manager.name for manager in (*registry.managers, *managers)]
            managers.append(manager_resource(factory, location_of(factory), names))
            registered.append(factory)
    return managers
