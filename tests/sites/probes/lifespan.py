"""A database that may crash or be lost, and an optional resource that fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


class Database:
    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.is_lost = False
        self.crashed = asyncio.Event()
        self.crash = task.cancel
        task.add_done_callback(lambda _: self.crashed.set())


@lifespan_resource("database")
async def database() -> AsyncGenerator[Database]:
    if os.environ.get("FAIL") == "start":
        raise OSError("no route to the database")
    yield Database()


@database.health
def answers(database: Database) -> bool:
    return not database.is_lost


@lifespan_resource("search", optional=True)
async def search() -> AsyncGenerator[str]:
    raise OSError("no route to the search engine")
    yield "search"
