"""One async client for views of every kind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import httpx
from mysite.journal import note

from django_lifespan_typed import lifespan_resource


@lifespan_resource("client")
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    note("+client")
    # With one connection, a second pool or a second loop is noticed.
    limits = httpx.Limits(max_connections=1)
    base = os.environ.get("WAREHOUSE", "http://127.0.0.1:9")
    async with httpx.AsyncClient(
        base_url=base, limits=limits, trust_env=False
    ) as client:
        yield client
    if os.environ.get("HANG"):
        await asyncio.Event().wait()
    note("-client")
