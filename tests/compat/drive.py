"""Serves one request of a site, with its lifespan, and prints each step."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

from tests.asgi.server import FakeServer, body_of


async def main(path: str) -> None:
    """Start, ask for *path*, stop."""
    application = import_module("mysite.asgi").application
    async with FakeServer(application, state={}) as server:
        print((await server.startup())["type"], flush=True)
        print(body_of(await server.request(path)), flush=True)
        print((await server.shutdown())["type"], flush=True)
        if (error := await server.outcome()) is not None:
            raise error


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
