"""Concurrent requests that stay in their views while they are measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from django_lifespan_typed import run_asgi_lifespan
from django_lifespan_typed.types import ASGIApplication, State

from .site import Server

Ask: TypeAlias = Callable[[], Awaitable[object]]
"""Sends a request, and returns after the answer."""

# The queue of requests that have reached their views, and the end of the measurement.
_here: tuple[asyncio.Queue[Any], asyncio.Event] | None = None


async def hold(request: Any) -> None:
    """Keep the request of a view until the measurement is over."""
    assert _here is not None, "nothing is measured"
    requests, over = _here
    requests.put_nowait(request)
    await over.wait()


@asynccontextmanager
async def gathered(ask: Ask, count: int) -> AsyncGenerator[list[Any], None]:
    """*count* requests in their views."""
    global _here
    requests, over = _here = asyncio.Queue(), asyncio.Event()
    asking = [asyncio.ensure_future(ask()) for _ in range(count)]
    try:
        yield [await asyncio.wait_for(requests.get(), 60) for _ in range(count)]
    finally:
        over.set()
        await asyncio.gather(*asking)


def asker(app: ASGIApplication, state: State, path: str = "/") -> Ask:
    """Requests *app* in this process, each time with a copy of *state*."""

    async def ask() -> None:
        server = Server(app, state)
        await server.get(path)
        assert server.status == 200, f"{app}: {server.status}"

    return ask


@asynccontextmanager
async def served(app: ASGIApplication, path: str = "/") -> AsyncGenerator[Ask, None]:
    """Run the lifespan of *app*, and request it with its state."""
    async with run_asgi_lifespan(app) as state:
        yield asker(app, state, path)
