"""The resources of the workshop, which say what becomes of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from django_lifespan_typed import lifespan_resource


def say(text: object) -> None:
    """In one piece, whatever else prints."""
    os.write(2, f"[{os.getpid()}] {text}\n".encode())


class Pool:
    """A pool that knows the loop and the process that opened it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pid = os.getpid()

    async def ask(self) -> str:
        """Works on its own loop, and there only, as real ones do."""
        assert asyncio.get_running_loop() is self.loop
        await asyncio.sleep(0)
        return f"answer from {self.pid}"


@lifespan_resource("pool")
async def pool() -> AsyncGenerator[Pool]:
    say("+pool")
    broken = os.environ.get("WORKSHOP_FAILS")
    if broken and Path(broken).exists():
        raise RuntimeError("no route to the warehouse")
    yield Pool()
    say("-pool")
