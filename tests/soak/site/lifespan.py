"""Three lines as resources; two of them depend on the first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from django_lifespan_typed import lifespan_resource

from .lines import BlockingLine, Line, dialled, dialled_in_thread


@lifespan_resource("db")
async def db() -> AsyncGenerator[Line]:
    async with dialled("db") as line:
        yield line


@lifespan_resource("shop", needs=(db,))
async def shop(_: Line) -> AsyncGenerator[Line]:
    async with dialled("shop") as line:
        yield line


@lifespan_resource("till", needs=(db,))
def till(_: Line) -> Generator[BlockingLine]:
    with dialled_in_thread("till") as line:
        yield line
