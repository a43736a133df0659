"""The site's resources, found by the app: three lines, two of which need the first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from django_lifespan_typed import lifespan_resource

from .lines import BlockingLine, Line, dialled, dialled_in_thread


@lifespan_resource("db")
async def db() -> AsyncGenerator[Line]:
    """Opened first, closed last."""
    async with dialled("db") as line:
        yield line


@lifespan_resource("shop", needs=(db,))
async def shop(_: Line) -> AsyncGenerator[Line]:
    """What async views talk to."""
    async with dialled("shop") as line:
        yield line


@lifespan_resource("till", needs=(db,))
def till(_: Line) -> Generator[BlockingLine]:
    """What sync views talk to: blocking, in a thread of its own."""
    with dialled_in_thread("till") as line:
        yield line
