"""Real engines, and children that hold their locks."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from tests.how_to.services import mariadb_server, postgresql_server, redis_server
from tests.processes import ROOT, Process, running

from .engines import (
    Database,
    Engine,
    LocalFile,
    MariaDB,
    PostgreSQL,
    RedisServer,
    lock_threads,
)

Servers = Callable[[str], Engine]
Child = Callable[[], AbstractContextManager[Process]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Servers]:
    """Returns an engine by its name; each server starts once."""
    started: dict[str, Engine] = {}
    with ExitStack() as stack:

        def start(name: str) -> Engine:
            if name == "postgresql":
                return PostgreSQL(stack.enter_context(postgresql_server()))
            if name == "mariadb":
                return MariaDB(stack.enter_context(mariadb_server()))
            folder = tmp_path_factory.mktemp("redis")
            return RedisServer(stack.enter_context(redis_server(folder)))

        def get(name: str) -> Engine:
            if name not in started:
                started[name] = start(name)
            return started[name]

        yield get


@pytest.fixture(params=["postgresql", "mariadb", "redis", "file"])
async def engine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncGenerator[Engine]:
    """Each engine in turn; nothing of it may be left open."""
    monkeypatch.setattr("django_lifespan_typed.locks.DatabaseLock.interval", 0.05)
    monkeypatch.setattr("django_lifespan_typed.locks.FileLock.interval", 0.05)
    if request.param == "file":
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(settings, "BASE_DIR", "the same project", raising=False)
        yield LocalFile(tmp_path)
        return
    engine: Engine = request.getfixturevalue("server")(request.param)
    if isinstance(engine, Database):
        monkeypatch.setitem(connections.settings, "locks", {**engine.settings})
    if isinstance(engine, RedisServer):
        engine.ttl = 30.0
        engine.sever()  # an ended process of an earlier test may hold it
    yield engine
    await nothing_is_left(engine)


async def nothing_is_left(engine: Engine) -> None:
    """Wait until no thread and no connection of a lock is left."""
    for thread in lock_threads():
        await asyncio.to_thread(thread.join, 60)
    assert lock_threads() == []
    # The server notices a moment later; pytest-timeout ends a test that waits forever.
    while engine.open_connections():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.fixture
def child(engine: Engine) -> Child:
    """Starts another process that tries to hold the lock."""
    return partial(
        running, *("-m", "tests.locks.holder"), folder=ROOT, **engine.children
    )
