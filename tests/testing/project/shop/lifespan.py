"""The resources of the shop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from shop.journal import journal

from django_lifespan_typed import lifespan_resource


class Http:
    """A client that works on its own event loop only, as real ones do."""

    def __init__(self, name: str = "real") -> None:
        self.name = name
        self.loop = asyncio.get_running_loop()

    async def get(self) -> str:
        """Return the name of the client."""
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError(f"{self.name} belongs to another event loop")
        await asyncio.sleep(0)
        return self.name


class FakeHttp(Http):
    """A client that works on any event loop."""

    def __init__(self) -> None:
        self.name = "fake"

    async def get(self) -> str:
        return self.name


class Catalogue:
    """The books on sale."""

    def __init__(self, http: Http) -> None:
        self.http = http


@lifespan_resource("socket")
async def socket() -> AsyncGenerator[str]:
    """A dependency of the client only."""
    journal("+socket")
    yield "socket"
    journal("-socket")


@lifespan_resource("http", needs=(socket,))
async def http(_socket: str) -> AsyncGenerator[Http]:
    """The client."""
    if "BROKEN" in os.environ:
        raise ConnectionError("no route to the warehouse")
    journal("+http")
    yield Http()
    journal("-http")


@lifespan_resource("catalogue", needs=(http,))
async def catalogue(client: Http) -> AsyncGenerator[Catalogue]:
    """The books on sale."""
    journal("+catalogue")
    yield Catalogue(client)
    journal("-catalogue")
    if "STUCK" in os.environ:
        raise ConnectionError("the catalogue does not close")
