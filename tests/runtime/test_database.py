"""No database connection stays open in a thread that no request cleans up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import OperationalError, connections, transaction
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._asgi.server_lifespan import start_with_signals
from django_lifespan_typed.signals import asgi_lifespan

from .databases import Database, database, other
from .probes import BLOCKING, SHAPES, Do, Log, Probes, Raise, Shape

__all__ = ["database", "other"]


def used_by(database: Database, name: str) -> Do:
    """Return a step of an async resource that queries in Django's shared thread."""
    return Do(lambda: sync_to_async(database.use)(name))


@pytest.mark.parametrize("shape", [SHAPES[0], BLOCKING], ids=str)
async def test_a_factory_leaves_no_connection(
    shape: Shape, probes: Probes, database: Database
) -> None:
    step = used_by(database, "it")
    if shape.blocking:  # in a thread of its own
        step = Do(lambda: database.use("it"))
    probes.add("it", shape=shape, start=step, stop=step)

    async with probes.lifespan():
        assert database.users() == ["it"]
        assert database.left_open() == []

    assert database.users() == ["it", "it"]
    assert database.left_open() == []
    (thread,) = {thread for *_, thread in database.used}
    assert thread is not threading.current_thread()


async def test_a_failed_startup_leaves_no_connection(
    probes: Probes, database: Database
) -> None:
    def use_and_fail() -> None:
        database.use("blocking")
        raise ValueError("it fails")

    probes.add("async", start=used_by(database, "async"))
    probes.add("blocking", "async", shape=BLOCKING, start=Do(use_and_fail))

    with pytest.raises(ValueError, match="it fails"):
        await probes.lifespan().__aenter__()

    assert database.users() == ["async", "blocking"]
    assert database.left_open() == []


async def test_a_failed_receiver_of_asgi_lifespan_leaves_no_connection(
    registry: Registry, database: Database
) -> None:
    def fail(**_: object) -> None:
        database.use("receiver")
        raise ValueError("no managers")

    asgi_lifespan.connect(fail)
    try:
        with pytest.raises(ValueError, match="no managers"):
            await start_with_signals(registry, {"type": "lifespan"})
    finally:
        asgi_lifespan.disconnect(fail)

    assert database.users() == ["receiver"]
    assert database.left_open() == []


# --- Connections that others use stay open


async def test_a_connection_in_a_thread_sensitive_context_stays_open(
    registry: Registry, database: Database
) -> None:
    """A background task of the resource reads on."""
    read: list[int] = []
    is_reading, go_on = asyncio.Event(), asyncio.Event()

    def three() -> Any:
        return connections[database.alias].cursor().execute("VALUES (1), (2), (3)")

    async def work() -> None:
        async with ThreadSensitiveContext():
            numbers = await sync_to_async(three)()
            read.extend(await sync_to_async(numbers.fetchone)())
            is_reading.set()
            await go_on.wait()
            read.extend(await sync_to_async(numbers.fetchone)())
            await sync_to_async(connections.close_all)()

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[asyncio.Task[None]]:
        await sync_to_async(database.use)("start")
        task = asyncio.ensure_future(work())
        await is_reading.wait()
        yield task
        go_on.set()
        await task

    async with Lifespan(registry):
        assert database.left_open() == []

    assert read == [1, 2]


async def test_a_connection_in_a_transaction_stays_open(
    probes: Probes, database: Database
) -> None:
    """It belongs to Django's ``TestCase``."""
    probes.add("it", start=used_by(database, "start"))
    atomic = transaction.atomic(using=database.alias)

    @sync_to_async
    def leave() -> None:
        atomic.__exit__(None, None, None)
        connections[database.alias].close()

    await sync_to_async(atomic.__enter__)()
    async with probes.lifespan():
        inside = database.left_open()
    outside = database.left_open()
    await leave()

    assert inside == outside == ["start"]
    assert database.left_open() == []


# --- Connections that fail to close


@pytest.fixture
def use_both(database: Database, other: Database) -> Callable[[], None]:
    """Query both databases; the connection to the first will fail to close."""

    def use() -> None:
        database.use("it")
        database.break_connection()
        other.use("it")

    return use


async def test_a_connection_that_fails_to_close_leaves_no_other_open(
    probes: Probes, use_both: Callable[[], None], other: Database, caplog: Log
) -> None:
    """In the thread of a blocking resource; the startup succeeds."""
    probes.add("it", shape=BLOCKING, start=Do(use_both))

    await probes.run()

    assert other.users() == ["it"]
    assert other.left_open() == []
    assert "the server has gone away" in caplog.text


@pytest.mark.parametrize("error", [None, ValueError("could not flush")], ids=repr)
async def test_a_connection_that_fails_to_close_hides_no_other_exception(
    error: Exception | None,
    probes: Probes,
    use_both: Callable[[], None],
    *,
    other: Database,
    caplog: Log,
) -> None:
    """Neither that of a resource nor a cancellation, in Django's shared thread."""
    probes.add("it", stop=Raise(error) if error else None)
    serving = await probes.serve()
    await sync_to_async(use_both)()

    serving.task.cancel()
    (outcome,) = await asyncio.gather(serving.task, return_exceptions=True)

    assert type(outcome) is (type(error) if error else asyncio.CancelledError)
    assert other.left_open() == []
    assert "the server has gone away" in caplog.text


# --- Health checks


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_health_check_leaves_no_connection(
    kind: str, probes: Probes, database: Database
) -> None:
    async def use(_: object) -> None:
        await sync_to_async(database.use)("check")

    probes.add("it")
    is_async = kind == "async"
    probes.resources["it"].health(use if is_async else lambda _: database.use("check"))

    async with (lifespan := probes.lifespan()):
        (record,) = await lifespan.health()
        await sync_to_async(database.left_open)()  # after the cleanup
        left = database.left_open()

    assert (record.verdict, database.users(), left) == ("pass", ["check"], [])


async def test_a_health_check_does_not_keep_a_broken_connection(
    probes: Probes, database: Database
) -> None:
    """After a restart of the database, one check fails."""
    probes.add("it")

    @probes.resources["it"].health
    async def _check(_: object) -> None:
        await sync_to_async(database.use)("check")

    @sync_to_async
    def break_it() -> None:
        database.use("elsewhere")
        wrapper: Any = connections[database.alias]
        wrapper.connection.close()  # unknown to Django
        wrapper.is_usable = lambda: False  # SQLite says True

    with override_settings(LIFESPAN={"HEALTH_CACHE": 0}):
        async with (lifespan := probes.lifespan()):
            await break_it()
            verdicts = [(await lifespan.health())[0].verdict for _ in range(2)]

    assert verdicts == ["fail", "pass"]
    assert database.left_open() == []


async def test_a_health_check_that_could_not_connect_leaves_no_other_connection(
    probes: Probes, database: Database, other: Database
) -> None:
    """``is_usable()`` of some databases fails where there is no connection."""
    probes.add("it")

    @probes.resources["it"].health
    async def _check(_: object) -> None:
        await sync_to_async(ask)()

    def ask() -> None:
        wrapper: Any = connections[database.alias]
        wrapper.errors_occurred = True
        wrapper.is_usable = lambda: wrapper.connection.ping()
        other.use("check")
        raise OperationalError("connection refused")

    async with (lifespan := probes.lifespan()):
        await lifespan.health()
        await sync_to_async(other.left_open)()  # after the cleanup
        left = other.left_open()

    assert (other.users(), left) == (["check"], [])
