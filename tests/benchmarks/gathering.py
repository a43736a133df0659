"""Concurrent requests that stay in their views while they are measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from django_lifespan_typed.types import ASGIApplication, State

from .site import Server

Ask: TypeAlias = Callable[[], Awaitable[object]]
"""Sends a request, and returns after the answer."""


class _Gathering:
    def __init__(self, count: int) -> None:
        self.requests: list[Any] = []
        self.count = count
        self.complete = asyncio.Event()
        self.over = asyncio.Event()


_here: _Gathering | None = None


async def hold(request: Any) -> None:
    """Keep the request of a view until the measurement is over."""
    here = _here
    assert here is not None, "nobody measures"
    here.requests.append(request)
    if len(here.requests) == here.count:
        here.complete.set()
    await here.over.wait()


@asynccontextmanager
async def gathered(ask: Ask, count: int) -> AsyncGenerator[list[Any], None]:
    """*count* requests in their views."""
    global _here
    here = _here = _Gathering(count)
    asking = [asyncio.ensure_future(ask()) for _ in range(count)]
    complete = asyncio.ensure_future(here.complete.wait())
    try:
        await asyncio.wait({complete, *asking}, return_when="FIRST_COMPLETED")
        for done in asking:
            if done.done():
                raise AssertionError(f"never held: {done.result()}")
        yield here.requests
    finally:
        complete.cancel()
        here.over.set()
        await asyncio.gather(*asking)


def asker(app: ASGIApplication, state: State, path: str = "/") -> Ask:
    """Requests *app* in this process, each time with a copy of *state*."""

    async def ask() -> None:
        server = Server(app, state)
        await server.get(path)
        assert server.status == 200, f"{app}: {server.status}"

    return ask
