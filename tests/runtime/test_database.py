"""No database connection stays open in a thread that no request cleans up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import OperationalError, connections, transaction
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._asgi.server_lifespan import (
    start_with_signals,
    stop_with_signals,
)
from django_lifespan_typed.signals import asgi_lifespan, asgi_shutdown, asgi_startup

from .databases import Database, database, other
from .probes import BLOCKING, Do, Log, Probes, Raise

__all__ = ["database", "other"]


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


# --- Other threads


Call = Callable[[Callable[[], None]], Awaitable[None]]


async def in_default_executor(function: Callable[[], None]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, function)


async def in_pool(function: Callable[[], None]) -> None:
    with ThreadPoolExecutor(2) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, function)


async def in_any_thread(function: Callable[[], None]) -> None:
    await sync_to_async(function, thread_sensitive=False)()


async def in_shared_thread(function: Callable[[], None]) -> None:
    await sync_to_async(function)()


async def in_thread_that_ends(function: Callable[[], None]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


THREADS: list[Call] = [
    asyncio.to_thread,
    in_default_executor,
    in_pool,
    in_any_thread,
    in_shared_thread,
    in_thread_that_ends,
]


@pytest.fixture(params=THREADS, ids=lambda call: call.__name__)
def call(request: pytest.FixtureRequest) -> Call:
    """A way to call a function in another thread."""
    found: Call = request.param
    return found


async def test_no_thread_keeps_a_connection_of_a_factory(
    call: Call, probes: Probes, database: Database
) -> None:
    step = Do(lambda: call(lambda: database.use("async")))
    probes.add("async", start=step, stop=step)
    step = Do(lambda: database.use("blocking"))
    probes.add("blocking", "async", shape=BLOCKING, start=step, stop=step)

    async with probes.lifespan():
        assert database.users() == ["async", "blocking"]
        assert database.left_open() == []

    assert database.users() == ["async", "blocking", "blocking", "async"]
    assert database.left_open() == []


async def test_no_thread_keeps_a_connection_of_a_failed_startup(
    call: Call, probes: Probes, database: Database
) -> None:
    async def use_and_fail() -> None:
        await call(lambda: database.use("async"))
        raise ValueError("it fails")

    probes.add("blocking", shape=BLOCKING, start=Do(lambda: database.use("blocking")))
    probes.add("async", "blocking", start=Do(use_and_fail))

    with pytest.raises(ValueError, match="it fails"):
        await probes.lifespan().__aenter__()

    assert database.users() == ["blocking", "async"]
    assert database.left_open() == []


@pytest.mark.parametrize(
    "signal", [asgi_lifespan, asgi_startup, asgi_shutdown], ids=["first", "up", "down"]
)
@pytest.mark.parametrize("joined", [False, True], ids=["alone", "joined"])
async def test_no_thread_keeps_a_connection_of_a_receiver(
    joined: bool, signal: Signal, call: Call, registry: Registry, *, database: Database
) -> None:
    """Neither if another user keeps the lifespan running."""

    async def receive(**_: object) -> None:
        await call(lambda: database.use("async"))

    def receive_sync(**_: object) -> None:
        database.use("sync")

    async with Lifespan(registry) if joined else nullcontext():
        signal.connect(receive)
        signal.connect(receive_sync)
        try:
            lifespan = await start_with_signals(registry, {"type": "lifespan"})
            await stop_with_signals(lifespan, {"type": "lifespan"})
        finally:
            signal.disconnect(receive)
            signal.disconnect(receive_sync)
        left = database.left_open()

    is_skipped = joined and signal is asgi_lifespan
    assert sorted(database.users()) == ([] if is_skipped else ["async", "sync"])
    assert left == []


async def test_no_thread_keeps_a_connection_of_a_health_check(
    call: Call, probes: Probes, database: Database
) -> None:
    async def check(_: object) -> None:
        await call(lambda: database.use("async"))

    checks: dict[str, Callable[[object], Any]] = {
        "async": check,
        "awaitable": lambda _: sync_to_async(database.use)("awaitable"),
        "sync": lambda _: database.use("sync"),
    }
    for name, each in checks.items():
        probes.add(name)
        probes.resources[name].health(each)

    async with (lifespan := probes.lifespan()):
        records = await lifespan.health()
        await sync_to_async(database.left_open)()  # after the cleanup
        left = database.left_open()

    assert [record.verdict for record in records] == ["pass"] * 3
    assert sorted(database.users()) == [*checks]
    assert left == []


async def test_a_call_that_goes_on_after_the_startup_keeps_its_connection(
    probes: Probes, database: Database
) -> None:
    """A background task reads on; the connection is closed when its call ends."""
    read: list[Any] = []
    is_reading, go_on = threading.Event(), threading.Event()

    def work() -> None:
        numbers: Any = connections[database.alias].cursor()
        database.use("work")
        numbers.execute("VALUES (1), (2)")
        read.extend(numbers.fetchone())
        is_reading.set()
        assert go_on.wait(60)
        read.extend(numbers.fetchone())

    async def start() -> None:
        background.append(asyncio.ensure_future(asyncio.to_thread(work)))
        await asyncio.to_thread(is_reading.wait, 60)

    background: list[asyncio.Future[None]] = []
    probes.add("it", start=Do(start))

    async with probes.lifespan():
        inside = database.left_open()
        go_on.set()
        await asyncio.gather(*background)

    await asyncio.get_running_loop().shutdown_default_executor()
    assert (read, inside, database.left_open()) == ([1, 2], ["work"], [])


# --- Connections that others use stay open


async def test_a_connection_in_a_thread_of_its_own_stays_open(
    probes: Probes, database: Database
) -> None:
    """It may hold a session lock; the factory closes it."""
    pool = ThreadPoolExecutor(1)

    async def run(function: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, function)

    probes.add(
        "it",
        start=Do(lambda: run(lambda: database.use("lock"))),
        stop=Do(lambda: run(connections.close_all)),
    )
    async with probes.lifespan():
        assert database.left_open() == ["lock"]

    assert database.left_open() == []
    pool.shutdown()


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
    probes.add("it", start=Do(lambda: sync_to_async(database.use)("start")))
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


async def test_a_health_check_does_not_keep_a_broken_connection(
    probes: Probes, database: Database
) -> None:
    """After a restart of the database, one check fails."""
    probes.add("it")
    probes.resources["it"].health(lambda _: sync_to_async(database.use)("check"))

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
