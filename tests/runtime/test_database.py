"""A start leaves no database connection behind in a thread that no request cleans."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import OperationalError, connections, transaction
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._asgi.signalled import run_with_signals
from django_lifespan_typed.signals import asgi_lifespan


class Database:
    """A database in a file, and the connections that were opened to it."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.used: list[tuple[str, Any, threading.Thread]] = []

    def use(self, what: str) -> None:
        """Open the connection of this thread, or use the one that is open."""
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        self.used.append((what, connection, threading.current_thread()))

    def open_connections(self) -> list[str]:
        """Where connections are open still."""
        return [
            what
            for what, connection, _ in self.used
            if connection.connection is not None
        ]


@contextmanager
def a_database(folder: Path, name: str) -> Generator[Database]:
    """A database of a test's own, which Django knows."""
    alias = f"{folder.parent.name}_{folder.name}_{name}"
    default = connections.settings["default"]
    connections.settings[alias] = {**default, "NAME": str(folder / f"{name}.sqlite3")}
    yield Database(alias)
    del connections.settings[alias]


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    """A database of this test's own."""
    with a_database(tmp_path, "db") as database:
        yield database


@pytest.fixture
def other(tmp_path: Path) -> Generator[Database]:
    """Another."""
    with a_database(tmp_path, "other") as other:
        yield other


async def test_of_an_async_factory(registry: Registry, database: Database) -> None:
    """It uses Django's shared thread, whose connections a request would clean."""

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        await sync_to_async(database.use)("start")
        yield 1
        await sync_to_async(database.use)("stop")

    async with Lifespan(registry):
        assert [what for what, *_ in database.used] == ["start"]
        assert database.open_connections() == []

    assert [what for what, *_ in database.used] == ["start", "stop"]
    assert database.open_connections() == []


async def test_of_a_blocking_factory(registry: Registry, database: Database) -> None:
    """It uses its own thread, which no request comes to."""

    @lifespan_resource("it", registry=registry)
    def _it() -> Iterator[int]:
        database.use("start")
        yield 1
        database.use("stop")

    async with Lifespan(registry):
        assert [what for what, *_ in database.used] == ["start"]
        assert database.open_connections() == []

    assert [what for what, *_ in database.used] == ["start", "stop"]
    assert database.open_connections() == []
    assert len({thread for *_, thread in database.used}) == 1
    assert threading.current_thread() not in {thread for *_, thread in database.used}


async def test_of_a_factory_that_fails(registry: Registry, database: Database) -> None:
    """A failed start leaves nothing open."""

    @lifespan_resource("async", registry=registry)
    async def _async() -> AsyncGenerator[int]:
        await sync_to_async(database.use)("async")
        yield 1

    @lifespan_resource("blocking", registry=registry)
    def _blocking() -> Iterator[int]:
        database.use("blocking")
        raise ValueError("it fails")
        yield 1

    @lifespan_resource("later", needs=(_async, _blocking), registry=registry)
    async def _later(*_: int) -> AsyncGenerator[int]:
        yield 1

    with pytest.raises(ValueError, match="it fails"):
        await Lifespan(registry).__aenter__()

    assert "blocking" in {what for what, *_ in database.used}
    assert database.open_connections() == []


async def test_of_a_thread_of_its_own(registry: Registry, database: Database) -> None:
    """A task that reads on and on has one, and nobody closes what it uses."""
    read: list[int] = []
    is_reading = asyncio.Event()
    go_on = asyncio.Event()

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
        assert database.open_connections() == []

    assert read == [1, 2]


async def test_of_a_transaction_that_is_not_ours(
    registry: Registry, database: Database
) -> None:
    """A test case's open transaction is left alone."""

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[bool]:
        await sync_to_async(database.use)("start")
        yield True

    @sync_to_async
    def enter() -> Any:
        atomic = transaction.atomic(using=database.alias)
        atomic.__enter__()
        return atomic

    @sync_to_async
    def leave(atomic: Any) -> None:
        atomic.__exit__(None, None, None)
        connections[database.alias].close()

    atomic = await enter()
    async with Lifespan(registry):
        inside = database.open_connections()
        await sync_to_async(database.use)("in the transaction")
    await sync_to_async(database.use)("in the transaction still")
    outside = database.open_connections()
    await leave(atomic)

    assert inside == ["start"]
    assert outside == ["start", "in the transaction", "in the transaction still"]
    assert database.open_connections() == []


def break_connection(alias: str) -> None:
    """Its server has gone: what closes it fails."""

    wrapper: Any = connections[alias]

    def gone() -> None:
        wrapper.connection.close()  # Python 3.13 would complain
        raise OperationalError("the server has gone away")

    wrapper._close = gone


async def test_a_connection_that_fails_to_close_keeps_no_other_open(
    registry: Registry,
    database: Database,
    other: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In a thread of a blocking factory; the start goes on."""

    @lifespan_resource("it", registry=registry)
    def _it() -> Iterator[int]:
        database.use("start")
        break_connection(database.alias)
        other.use("start")
        yield 1

    async with Lifespan(registry) as state:
        assert state["it"] == 1

    assert other.open_connections() == []
    assert "the server has gone away" in caplog.text
    assert database.alias in caplog.text


@pytest.mark.parametrize("leaves", ["well", "badly", "cancelled"])
async def test_a_connection_that_fails_to_close_hides_nothing(
    leaves: str,
    registry: Registry,
    database: Database,
    other: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In Django's shared thread: neither what failed nor that all is cancelled."""

    def use() -> None:
        database.use("block")
        other.use("block")
        break_connection(database.alias)

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        yield 1
        if leaves == "badly":
            raise ValueError("could not flush")
        is_stopping.set()
        await asyncio.sleep(0)

    async def run() -> None:
        async with Lifespan(registry):
            await sync_to_async(use)()

    is_stopping = asyncio.Event()
    task = asyncio.ensure_future(run())
    if leaves == "cancelled":
        await is_stopping.wait()
        task.cancel()
    await asyncio.wait({task})

    assert task.cancelled() == (leaves == "cancelled")
    if leaves != "cancelled":
        assert repr(task.exception()) == (
            "ValueError('could not flush')" if leaves == "badly" else "None"
        )
    assert other.open_connections() == []
    assert "the server has gone away" in caplog.text


async def test_a_connection_that_never_came_about_hides_no_other(
    registry: Registry, database: Database, other: Database
) -> None:
    """Some databases' ``is_usable`` fails of it, after a check that did not connect."""

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        yield 1

    @it.health
    async def _asks(_: int) -> None:
        await sync_to_async(ask)()

    def ask() -> None:
        wrapper: Any = connections[database.alias]
        wrapper.errors_occurred = True
        wrapper.is_usable = lambda: wrapper.connection.ping()
        other.use("check")
        raise OperationalError("nobody listens there")

    async with (lifespan := Lifespan(registry)):
        await lifespan.health()
        await sync_to_async(other.open_connections)()
        left = other.open_connections()

    assert [what for what, *_ in other.used] == ["check"]
    assert left == []


async def test_what_asgi_lifespan_opened_before_it_failed(
    registry: Registry, database: Database
) -> None:
    """No run follows that would close it."""

    def fail(**_: object) -> None:
        database.use("receiver")
        raise ValueError("no managers")

    asgi_lifespan.connect(fail)
    try:
        with pytest.raises(ValueError, match="no managers"):
            async with run_with_signals(registry, {"type": "lifespan"}):
                raise AssertionError("it has started")
    finally:
        asgi_lifespan.disconnect(fail)

    assert [what for what, *_ in database.used] == ["receiver"]
    assert database.open_connections() == []


async def test_of_an_async_health_check(registry: Registry, database: Database) -> None:
    """It leaves no connection, and one that has broken does not stay."""
    alias = database.alias

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        yield 1

    @it.health
    async def _asks(_: int) -> None:
        await sync_to_async(database.use)("check")

    def break_it() -> None:
        database.use("elsewhere")
        wrapper: Any = connections[alias]
        wrapper.connection.close()  # behind Django's back: a restart of the server
        wrapper.is_usable = lambda: False  # for SQLite, every connection is

    with override_settings(LIFESPAN={"HEALTH_CACHE": 0}):
        async with (lifespan := Lifespan(registry)):
            verdicts = [(await lifespan.health())[0].verdict]
            # Nobody waits for it, and it comes before what comes after.
            await sync_to_async(database.open_connections)()
            assert database.open_connections() == []
            await sync_to_async(break_it)()
            verdicts += [(await lifespan.health())[0].verdict for _ in range(2)]

    assert verdicts == ["pass", "fail", "pass"]
    assert database.open_connections() == []
