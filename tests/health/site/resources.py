"""A database that may die or be lost, and a search that is not there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


class Database:
    """What may be lost, or die."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.is_lost = False
        self.is_dead = asyncio.Event()
        self.die = task.cancel
        task.add_done_callback(lambda _: self.is_dead.set())


@lifespan_resource("database")
async def database() -> AsyncGenerator[Database]:
    if os.environ.get("FAILS"):
        raise OSError("no route to the database")
    yield Database()


@database.health
def answers(database: Database) -> bool:
    return not database.is_lost


@lifespan_resource("search", optional=True)
async def search() -> AsyncGenerator[str]:
    raise OSError("no route to the search engine")
    yield "search"
