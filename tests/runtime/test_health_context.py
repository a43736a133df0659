"""Health checks: their values, contexts, loops and threads, and the log."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db.backends.signals import connection_created

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.testing import override_state

from .health_checks import declare, one
from .probes import Limits, Log, logged_errors


async def test_a_resource_overridden_before_the_startup_is_not_checked(
    registry: Registry,
) -> None:
    resource = declare(registry, str.upper)

    with override_state(resource, "a fake"):
        async with (lifespan := Lifespan(registry)):
            assert await lifespan.health() == ()


async def test_only_a_lifespan_that_runs_on_this_loop_is_checked(
    registry: Registry,
) -> None:
    lifespan = Lifespan(registry)

    with pytest.raises(LifespanNotRunning, match="call"):
        await lifespan.health()
    async with lifespan:
        with pytest.raises(LifespanNotRunning, match="on this event loop"):
            await asyncio.to_thread(asyncio.run, lifespan.health())
    with pytest.raises(LifespanNotRunning):
        await lifespan.health()


async def test_a_failing_check_is_logged_once_until_it_passes(
    registry: Registry, limits: Limits, caplog: Log
) -> None:
    limits(HEALTH_CACHE=1e-300)
    caplog.set_level("INFO", "django_lifespan_typed")
    lost = OSError("no route")
    is_lost = False

    async def check(_: object) -> None:
        if is_lost:
            raise lost

    declare(registry, check)
    async with (lifespan := Lifespan(registry)):
        caplog.clear()
        for is_lost in (False, True, True, False, False):  # noqa: B007 - its closure
            await lifespan.health()
        levels = [record.levelname for record in caplog.records]
        errors = logged_errors(caplog)

    assert levels == ["WARNING", "INFO"]
    assert errors == [lost]


async def test_a_check_does_not_wait_for_djangos_shared_thread(
    registry: Registry, limits: Limits
) -> None:
    """The thread may be busy; closing connections in it can wait."""
    limits(HEALTH_CACHE=1e-300)
    is_busy, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        is_busy.set()
        assert go_on.wait(60)

    class Connection:
        pass

    async def check(_: object) -> bool:
        # As a request in a thread of its own opens one.
        opened = Connection()
        await asyncio.to_thread(connection_created.send, Connection, connection=opened)
        return False

    declare(registry, check)
    holding = asyncio.ensure_future(sync_to_async(hold)())
    assert await asyncio.to_thread(is_busy.wait, 60)
    async with (lifespan := Lifespan(registry)):
        verdicts = [(await one(lifespan)).verdict for _ in range(3)]
        was_busy = not holding.done()
        go_on.set()
    await holding

    assert (verdicts, was_busy) == (["fail"] * 3, True)
