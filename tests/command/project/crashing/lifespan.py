"""One that another one's health check ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


class Feed:
    """Ends when it is told to, without anybody's asking the lifespan."""

    def __init__(self, task: asyncio.Task[None] | None) -> None:
        self.task = task


@lifespan_resource("feed")
async def feed() -> AsyncGenerator[Feed]:
    try:
        yield Feed(asyncio.current_task())
    except asyncio.CancelledError:
        raise ValueError("the feed has ended") from None


@lifespan_resource("reader", needs=(feed,))
async def reader(feed: Feed) -> AsyncGenerator[Feed]:
    yield feed


@reader.health
async def ends_the_feed(feed: Feed) -> None:
    assert feed.task is not None
    feed.task.cancel()
    await asyncio.wait({feed.task})
