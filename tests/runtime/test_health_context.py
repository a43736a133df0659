"""Where health checks run: contexts, threads, loops, database connections, the log."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db.backends.signals import connection_created
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.testing import override_state

from .health_checks import declare, one
from .probes import MARK
from .test_database import Database, database

__all__ = ["database"]


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_request_does_not_leak_into_a_check(
    kind: str, registry: Registry
) -> None:
    """What belongs to the request that asks first is not the check's."""
    found: list[str] = []

    async def _async(_: object) -> None:
        found.append(MARK.get())
        MARK.set("a check's")

    def _sync(_: object) -> None:
        found.append(MARK.get())
        MARK.set("a check's")

    async def ask() -> None:
        MARK.set("a request's")
        await lifespan.health()
        assert MARK.get() == "a request's"

    declare(registry, _sync if kind == "sync" else _async)
    lifespan = Lifespan(registry)
    async with lifespan:
        await asyncio.create_task(ask())

    assert found == ["nobody's"]


async def test_a_sync_check_leaves_no_connection(
    registry: Registry, database: Database
) -> None:
    """No request comes to its thread to close what it opened."""
    declare(registry, lambda _: database.use("check"))
    lifespan = Lifespan(registry)

    async with lifespan:
        record = await one(lifespan)

        assert record.verdict == "pass"
        assert [what for what, *_ in database.used] == ["check"]
        assert database.open_connections() == []


async def test_a_check_is_asked_of_what_views_see(
    registry: Registry, limits: Callable[..., None]
) -> None:
    """A test's override is checked too, and for as long as it is there."""
    limits(HEALTH_CACHE=1e-300)
    seen: list[object] = []
    resource = declare(registry, seen.append)
    lifespan = Lifespan(registry)

    async with lifespan:
        await lifespan.health()
        with override_state(resource, "a fake"):
            await lifespan.health()
        await lifespan.health()

    assert seen == ["db", "a fake", "db"]


async def test_what_a_test_replaces_is_not_there(registry: Registry) -> None:
    """Overridden before the start, it does not run: there is nothing to check."""
    seen: list[object] = []
    resource = declare(registry, seen.append)
    lifespan = Lifespan(registry)

    with override_state(resource, "a fake"):
        async with lifespan:
            records = await lifespan.health()

    assert (records, seen) == ((), [])


def test_in_sync_code(registry: Registry) -> None:
    """A check runs on the loop of its resource, whoever asks."""
    threads: list[threading.Thread] = []

    async def _check(_: object) -> None:
        threads.append(threading.current_thread())

    declare(registry, _check)
    lifespan = Lifespan(registry)

    with lifespan:
        (record,) = lifespan.call(lifespan.health)

    assert record.verdict == "pass"
    assert [thread.name for thread in threads] == ["lifespan loop"]


async def test_each_loop_has_its_own(registry: Registry) -> None:
    """Two threads with loops: each lifespan is checked on its own."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def _check(_: object) -> None:
        loops.append(asyncio.get_running_loop())

    async def run() -> asyncio.AbstractEventLoop:
        lifespan = Lifespan(registry)
        async with lifespan:
            await lifespan.health()
            await lifespan.health()
        return asyncio.get_running_loop()

    declare(registry, _check)
    ran = await asyncio.gather(
        *(asyncio.to_thread(asyncio.run, run()) for _ in range(2))
    )

    assert len(set(map(id, ran))) == 2
    assert set(map(id, loops)) == set(map(id, ran))
    assert len(loops) == 2


async def test_it_has_to_run(registry: Registry) -> None:
    """The error says what sync code has to write."""
    lifespan = Lifespan(registry)
    remedy = "In sync code, write: lifespan.call(lifespan.health)"

    with pytest.raises(LifespanNotRunning) as before:
        await lifespan.health()
    async with lifespan:
        with pytest.raises(LifespanNotRunning) as elsewhere:
            await asyncio.to_thread(asyncio.run, lifespan.health())
    with pytest.raises(LifespanNotRunning) as after:
        await lifespan.health()

    assert str(before.value) == f"this Lifespan does not run\n{remedy}"
    assert str(after.value) == f"this Lifespan does not run\n{remedy}"
    assert str(elsewhere.value) == (
        f"this Lifespan does not run on this event loop\n{remedy}"
    )


async def test_the_log_says_why_and_once(
    registry: Registry,
    limits: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When a check begins to fail, with its traceback, and when it is well again."""
    limits(HEALTH_CACHE=1e-300)
    caplog.set_level("INFO", "django_lifespan_typed")
    is_lost = False

    async def _check(_: object) -> None:
        if is_lost:
            raise OSError("no route")

    declare(registry, _check)
    lifespan = Lifespan(registry)
    async with lifespan:
        caplog.clear()
        for is_lost in (False, True, True, False, False):  # noqa: B007 - its closure
            await lifespan.health()
        logged = [(r.levelname, r.getMessage()) for r in caplog.records]
        errors = [r.exc_info and str(r.exc_info[1]) for r in caplog.records]

    assert logged == [
        ("WARNING", "'db' is not healthy"),
        ("INFO", "'db' is healthy again"),
    ]
    assert errors == ["no route", None]


# --- Declared wrongly


def test_the_decorator_returns_the_function(registry: Registry) -> None:
    """It may be called, and tested, by itself."""

    @lifespan_resource(StateKey[str]("db"), registry=registry)
    async def db() -> str:
        return "db"

    @db.health
    def answers(value: str) -> bool:
        return value == "db"

    assert db.health_check is answers
    assert answers("db")


async def test_nobody_waits_for_djangos_shared_thread(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be busy; a check that fails, or a request, has nothing to do there."""
    is_busy, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        is_busy.set()
        assert go_on.wait(60)

    @lifespan_resource("it", registry=registry)
    async def it() -> str:
        return "the value"

    @it.health
    async def _check(_: str) -> bool:
        # As a request in a thread of its own opens one.
        opened = Wrapper()
        await asyncio.to_thread(connection_created.send, Wrapper, connection=opened)
        return False

    holding = asyncio.ensure_future(sync_to_async(hold)())
    assert await asyncio.to_thread(is_busy.wait, 60)
    with override_settings(LIFESPAN={"HEALTH_CACHE": 0}):
        async with (lifespan := Lifespan(registry)):
            verdicts = [(await lifespan.health())[0].verdict for _ in range(3)]
            was_busy = not holding.done()
            go_on.set()
    await holding

    assert (verdicts, was_busy) == (["fail"] * 3, True)
    assert [record for record in caplog.records if "hangs" in record.getMessage()] == []


class Wrapper:
    """A connection, to those who do not look at it."""
