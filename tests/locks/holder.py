"""A process that tries to hold a lock, and says what happens."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from typing import Any

from tests.gates import happened

# The version of mysqlclient that Django 6.1 requires; it needs a compiler.
MYSQLCLIENT = (2, 2, 7, "final", 0)


def use_pymysql() -> None:
    """Have Django's backend for MySQL use PyMySQL."""
    import pymysql

    driver: Any = pymysql
    driver.version_info = MYSQLCLIENT
    pymysql.install_as_MySQLdb()


async def main() -> None:
    from django_lifespan_typed import StateKey
    from django_lifespan_typed.locks import DatabaseLock, FileLock, Lock, RedisLock

    wanted = json.loads(os.environ["LOCK"])
    lock: Lock
    needs: tuple[Any, ...] = ()
    async with AsyncExitStack() as stack:
        if "REDIS" in wanted:
            from redis.asyncio import Redis

            lock = RedisLock(StateKey[Redis]("redis"), ttl=3)
            client = Redis.from_url(wanted["REDIS"])
            needs = (await stack.enter_async_context(client),)
        else:
            lock = DatabaseLock() if "DATABASE" in wanted else FileLock()
        until_lost = await stack.enter_async_context(lock.hold("price_feed", *needs))
        happened("refused" if until_lost is None else "holds")
        if until_lost is not None:
            await until_lost()


if __name__ == "__main__":
    from django.conf import settings

    database = json.loads(os.environ["LOCK"]).get("DATABASE", {})
    if "mysql" in database.get("ENGINE", ""):
        use_pymysql()
    settings.configure(DATABASES={"default": database}, BASE_DIR="the same project")
    asyncio.run(main())
