"""Two resources, one of which the tests hold, break and hang."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource
from tests.processes import at_gate

from .journal import note


class Open:
    """Something that is open until it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.loop = asyncio.get_running_loop()
        self.state = "open"


@lifespan_resource("db")
async def db() -> AsyncGenerator[Open]:
    opened = Open("db")
    note("+db")
    yield opened
    opened.state = "closed"
    note("-db")


@lifespan_resource("shop", needs=(db,))
async def shop(db: Open) -> AsyncGenerator[Open]:
    await at_gate("start")
    if "FAIL" in os.environ:
        raise RuntimeError("no way to the shop")
    opened = Open("shop")
    note("+shop")
    yield opened
    note(f"shop closes, db is {db.state}")
    await at_gate("stop")
    opened.state = "closed"
    note("-shop")
