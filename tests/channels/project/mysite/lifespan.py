"""Two resources, one of which the tests hold, break and hang."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource
from tests.processes import at_gate, happened


class Open:
    """Something that is open until it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.loop = asyncio.get_running_loop()
        self.state = "open"


@lifespan_resource("db")
async def db() -> AsyncGenerator[Open]:
    opened = Open("db")
    happened("+db")
    yield opened
    opened.state = "closed"
    happened("-db")


@lifespan_resource("shop", needs=(db,))
async def shop(db: Open) -> AsyncGenerator[Open]:
    try:
        await at_gate("start")
    except asyncio.CancelledError:
        happened("shop is cancelled")
        raise
    if "FAIL" in os.environ:
        raise RuntimeError("no way to the shop")
    opened = Open("shop")
    happened("+shop")
    yield opened
    happened("shop closes")
    await at_gate("stop")
    opened.state = "closed"
    happened(f"-shop with {db.name} {db.state}")
