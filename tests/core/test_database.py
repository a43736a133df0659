"""A start leaves no database connection behind in a thread that no request cleans."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections, transaction

from django_lifespan_typed import Lifespan, Registry, lifespan_resource

from .probes import lifespan_threads


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


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    """A database of this test's own, which Django knows."""
    alias = f"{tmp_path.parent.name}_{tmp_path.name}"
    default = connections.settings["default"]
    connections.settings[alias] = {**default, "NAME": str(tmp_path / "db.sqlite3")}
    yield Database(alias)
    del connections.settings[alias]


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


async def test_a_connection_that_cannot_be_closed_fails_the_start(
    registry: Registry, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that found out goes on, or nobody would be answered."""
    error = OSError("cannot be closed")
    journal: list[str] = []

    def fail(connection: Any) -> None:
        connection.close = type(connection).close.__get__(connection)
        raise error

    @lifespan_resource("it", registry=registry)
    def _it() -> Iterator[int]:
        journal.append("+it")
        database.use("start")
        connection = connections[database.alias]
        monkeypatch.setattr(connection, "close", lambda: fail(connection))
        yield 1
        journal.append("-it")

    with pytest.raises(OSError, match="cannot be closed") as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value is error
    assert journal == ["+it", "-it"]
    for thread in lifespan_threads():
        await asyncio.to_thread(thread.join, 60)
    assert database.open_connections() == []
