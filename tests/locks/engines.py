"""The engines of locks: what a test needs to hold their locks, and to break them."""

from __future__ import annotations

import abc
import json
import os
import signal
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import psycopg
import pymysql
from django.db import connections
from redis.asyncio import Redis

from django_lifespan_typed import StateKey
from django_lifespan_typed.locks import (
    DatabaseLock,
    FileLock,
    Lock,
    RedisLock,
    UntilLost,
)
from tests.how_to.services import Service

from .holder import use_pymysql

REDIS = StateKey[Redis]("redis")
NAME = "price_feed"


class Engine(abc.ABC):
    """Something that locks stand on."""

    children: ClassVar[dict[str, str]]
    """Environment variables of ``tests.locks.holder``."""

    @abc.abstractmethod
    def lock(self) -> Lock:
        """Return a new lock."""

    @asynccontextmanager
    async def needs(self) -> AsyncGenerator[tuple[Any, ...]]:
        """The values of the lock's dependencies, on this event loop."""
        yield ()

    @asynccontextmanager
    async def holding(
        self, name: str = NAME, lock: Lock | None = None
    ) -> AsyncGenerator[UntilLost | None]:
        """Try to hold a lock."""
        async with (
            self.needs() as needs,
            (lock or self.lock()).hold(name, *needs) as until_lost,
        ):
            yield until_lost

    @abc.abstractmethod
    def sever(self) -> None:
        """Have the holder lose its lock."""

    def open_connections(self) -> int:
        """Return how many connections others than this test have."""
        return 0


class Database(Engine):
    """A database server, as the alias ``locks``."""

    ENGINE: ClassVar[str]

    def __init__(self, service: Service) -> None:
        url = urlsplit(service.url)
        self.service = service
        self.address: dict[str, Any] = {"host": url.hostname, "port": url.port}
        self.address["user"] = url.username
        self.settings = {
            **connections.settings["default"],
            "ENGINE": self.ENGINE,
            "NAME": url.path[1:],
            "USER": url.username,
            "HOST": url.hostname,
            "PORT": url.port,
            "OPTIONS": {},
        }
        self.children = {"LOCK": json.dumps({"DATABASE": self.settings})}

    def lock(self) -> Lock:
        return DatabaseLock("locks")

    @abc.abstractmethod
    def ask(self, statement: str) -> list[Any]:
        """Return the rows, each a tuple, by a connection of the test's own."""


class PostgreSQL(Database):
    ENGINE = "django.db.backends.postgresql"

    def ask(self, statement: str) -> list[Any]:
        with psycopg.connect(dbname="postgres", autocommit=True, **self.address) as own:
            return own.execute(statement).fetchall()

    def sever(self) -> None:
        for pid in self.holders():
            self.ask(f"SELECT pg_terminate_backend({pid}, 60000)")

    def holders(self) -> list[int]:
        found = self.ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
        return [pid for (pid,) in found]

    def pause(self) -> None:
        self.paused = self.holders()
        for pid in self.paused:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self.paused:
            os.kill(pid, signal.SIGCONT)

    def open_connections(self) -> int:
        ((found,),) = self.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return int(found)


class MariaDB(Database):
    ENGINE = "django.db.backends.mysql"

    def __init__(self, service: Service) -> None:
        use_pymysql()
        super().__init__(service)

    def ask(self, statement: str) -> list[Any]:
        with pymysql.connect(**self.address) as own, own.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def others(self) -> list[int]:
        found = self.ask(
            "SELECT id FROM information_schema.processlist"
            " WHERE id <> CONNECTION_ID() AND user = 'root'"
        )
        return [number for (number,) in found]

    def sever(self) -> None:
        for number in self.others():
            self.ask(f"KILL {number}")

    def open_connections(self) -> int:
        return len(self.others())

    def pause(self) -> None:
        self.service.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.service.process.send(signal.SIGCONT)


class RedisServer(Engine):
    def __init__(self, service: Service) -> None:
        self.service = service
        self.ttl = 30.0
        self.children = {"LOCK": json.dumps({"REDIS": service.url})}

    def lock(self) -> Lock:
        return RedisLock(REDIS, ttl=self.ttl)

    @asynccontextmanager
    async def needs(self) -> AsyncGenerator[tuple[Any, ...]]:
        async with Redis.from_url(self.service.url) as client:
            yield (client,)

    def sever(self) -> None:
        import redis

        with redis.Redis.from_url(self.service.url) as client:
            client.flushall()

    def pause(self) -> None:
        self.service.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.service.process.send(signal.SIGCONT)


class LocalFile(Engine):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children = {"LOCK": json.dumps({"FILE": ""}), "TMPDIR": str(folder)}

    def lock(self) -> Lock:
        return FileLock()

    def sever(self) -> None:
        for path in self.folder.glob("*.lock"):
            path.unlink()


def lock_threads() -> list[threading.Thread]:
    """Return the threads in which locks use their connections."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("lifespan lock")
    ]
