"""The resources of the shop, which say what becomes of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import httpx

from django_lifespan_typed import lifespan_resource


def say(text: str) -> None:
    """In one piece, whatever else prints."""
    os.write(1, f"[{os.getpid()}] {text}\n".encode())


@lifespan_resource("client")
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    say("+client")
    if os.environ.get("SHOP_FAILS"):
        raise RuntimeError("no route to the warehouse")
    # One connection: whatever uses another pool, or another loop, is found out.
    limits = httpx.Limits(max_connections=1)
    base = os.environ.get("SHOP_WAREHOUSE", "http://127.0.0.1:9")
    async with httpx.AsyncClient(
        base_url=base, limits=limits, trust_env=False
    ) as client:
        yield client
    if os.environ.get("SHOP_HANGS"):
        await asyncio.Event().wait()
    say("-client")
