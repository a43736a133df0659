"""A task that one process runs at a time, and prints the beginning and end of runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mysite.journal import note
from typing_extensions import override

from django_lifespan_typed import lifespan_resource, lifespan_task
from django_lifespan_typed._tasks import supervisor
from django_lifespan_typed.locks import FileLock, UntilLost

# Five seconds are long for a test.
supervisor.STANDBY_INTERVAL = 0.1  # type: ignore[misc]


class NotedLock(FileLock):
    """A lock that prints each attempt to acquire it, and each release."""

    @override
    @asynccontextmanager
    async def hold(self, name: str, *needs: Any) -> AsyncGenerator[UntilLost | None]:
        note("asks")
        async with super().hold(name, *needs) as until_lost:
            yield until_lost


@lifespan_resource("db")
async def db() -> AsyncGenerator[str]:
    note("+db")
    yield "the db"
    note("-db")


@lifespan_task("feed", needs=(db,), exclusive=NotedLock(os.environ["LOCK"]), every=0.05)
async def feed(_: str) -> None:
    note("+run")
    try:
        await asyncio.sleep(0.02)
    finally:
        note("-run")
