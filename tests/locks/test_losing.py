"""until_lost ends when the lock is lost, and engines that are away do no harm."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import Error, connections
from redis.asyncio import Redis
from redis.exceptions import RedisError

from django_lifespan_typed.locks import DatabaseLock, RedisLock, UntilLost
from tests.how_to.services import redis_server
from tests.processes import LIMIT, reserved_port

from .conftest import nothing_is_left
from .engines import (
    REDIS,
    Engine,
    LocalFile,
    MariaDB,
    PostgreSQL,
    RedisServer,
    lock_threads,
)

Monkeypatch = pytest.MonkeyPatch


async def lost(until_lost: UntilLost | None) -> BaseException | None:
    """Wait until the lock is lost; returns what was raised."""
    assert until_lost is not None
    waiting: asyncio.Future[Any] = asyncio.ensure_future(until_lost())  # type: ignore[arg-type]
    done, _ = await asyncio.wait({waiting}, timeout=LIMIT)
    assert done
    return waiting.exception()


async def test_until_lost_ends_when_the_engine_takes_the_lock_away(
    engine: Engine,
) -> None:
    if isinstance(engine, RedisServer):
        engine.ttl = 1.0
    async with engine.holding() as until_lost:
        waiting = asyncio.ensure_future(lost(until_lost))
        await asyncio.sleep(0.2)
        assert not waiting.done()

        engine.sever()

        error = await waiting
        if isinstance(engine, PostgreSQL | MariaDB):
            assert isinstance(error, Error)
        else:
            assert error is None
        async with engine.holding() as another:
            assert another is not None


async def test_leaving_after_the_lock_was_lost_does_not_release_another_s(
    engine: Engine,
) -> None:
    async with engine.holding():
        engine.sever()
        another = engine.holding()
        assert await another.__aenter__() is not None

    async with engine.holding() as third:
        assert third is None
    await another.__aexit__(None, None, None)


async def test_a_lock_is_kept_while_it_is_renewed(engine: Engine) -> None:
    """Several times as long as Redis would keep it."""
    seconds = 0.5
    if isinstance(engine, RedisServer):
        engine.ttl, seconds = 2.0, 4.5
    async with engine.holding() as until_lost:
        waiting = asyncio.ensure_future(lost(until_lost))
        done, _ = await asyncio.wait({waiting}, timeout=seconds)

        assert not done
        async with engine.holding() as another:
            assert another is None
        waiting.cancel()


async def test_a_server_that_does_not_answer_counts_as_lost(
    engine: Engine, monkeypatch: Monkeypatch
) -> None:
    """Leaving does not wait for it, and its thread ends."""
    if isinstance(engine, LocalFile):
        return  # nothing answers there
    if isinstance(engine, RedisServer):
        engine.ttl = 3.0
    assert isinstance(engine, PostgreSQL | MariaDB | RedisServer)
    monkeypatch.setattr(DatabaseLock, "limit", 1.0)
    try:
        async with engine.holding() as until_lost:
            engine.pause()
            # The client of the database may notice first.
            assert isinstance(await lost(until_lost), (TimeoutError, Error))
        await no_threads()
    finally:
        engine.resume()
    await nothing_is_left(engine)

    until_lost = None
    while until_lost is None:
        async with engine.holding() as until_lost:
            await asyncio.sleep(0.01)


async def no_threads() -> None:
    for thread in lock_threads():
        await asyncio.to_thread(thread.join, LIMIT)
    assert lock_threads() == []


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"], indirect=True)
async def test_a_database_that_is_away_is_an_error_until_it_is_back(
    engine: PostgreSQL | MariaDB, monkeypatch: Monkeypatch
) -> None:
    away = {**engine.settings, "PORT": int(reserved_port())}
    monkeypatch.setitem(connections.settings, "locks", away)
    lock = engine.lock()
    with pytest.raises(Error):
        async with engine.holding(lock=lock):
            pytest.fail("the block runs")
    monkeypatch.setitem(connections.settings, "locks", engine.settings)

    async with engine.holding(lock=lock) as until_lost:
        assert until_lost is not None


@pytest.mark.parametrize("engine", ["redis"], indirect=True)
async def test_redis_that_is_away_is_an_error_until_it_is_back(
    engine: RedisServer,
) -> None:
    lock = engine.lock()
    async with Redis(host="127.0.0.1", port=int(reserved_port())) as away:
        with pytest.raises((RedisError, TimeoutError)):
            async with lock.hold("a", away):
                pytest.fail("the block runs")

    async with engine.holding("a", lock) as until_lost:
        assert until_lost is not None


async def test_a_lock_of_redis_is_lost_when_redis_goes_away(tmp_path: Path) -> None:
    lock = RedisLock(REDIS, ttl=2.0)
    with redis_server(tmp_path) as service:
        async with (
            Redis.from_url(service.url) as client,
            lock.hold("a", client) as until_lost,
        ):
            service.process.end(signal.SIGKILL)

            assert await lost(until_lost) is not None


@pytest.mark.parametrize("engine", ["file"], indirect=True)
async def test_a_deleted_file_that_another_process_made_again_is_lost(
    engine: LocalFile,
) -> None:
    async with engine.holding() as until_lost:
        engine.sever()
        async with engine.holding() as another:
            assert await lost(until_lost) is None
            assert another is not None
