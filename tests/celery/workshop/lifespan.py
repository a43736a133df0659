"""A pool that reports its startup and shutdown."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from django_lifespan_typed import lifespan_resource


def say(text: object) -> None:
    """Print in one write, for several processes print."""
    os.write(2, f"[{os.getpid()}] {text}\n".encode())


class Pool:
    """A pool that works on its own event loop only, as real ones do."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pid = os.getpid()

    async def ask(self) -> str:
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
