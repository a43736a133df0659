"""Three resources and two receivers; tests hold, break and hang them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from typing import Any

from mysite.journal import note

from django_lifespan_typed import LifespanState, lifespan_resource
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup
from tests.gates import at_gate


class Open:
    """Something that is open until it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.loop = asyncio.get_running_loop()
        self.state = "open"


@lifespan_resource("db")
async def db() -> AsyncGenerator[Open]:
    opened = Open("db")
    note("+db")
    yield opened
    opened.state = "closed"
    note("-db")


@lifespan_resource("shop", needs=(db,))
async def shop(db: Open) -> AsyncGenerator[Open]:
    try:
        await at_gate("start")
    except asyncio.CancelledError:
        note("shop is cancelled")
        raise
    if os.environ.get("FAIL") == "start":
        raise RuntimeError("no way to the shop")
    opened = Open("shop")
    note("+shop")
    yield opened
    note(f"shop closes, db is {db.state}")
    await at_gate("stop")
    opened.state = "closed"
    note("-shop")


@lifespan_resource("lock", needs=(shop,))
def lock(shop: Open) -> Generator[str]:
    note("+lock")
    yield "lock"
    note(f"-lock, shop is {shop.state}")


def on_startup(*, state: LifespanState, **_: Any) -> None:
    note(f"asgi_startup, shop is {state[shop].state}")


async def on_shutdown(*, state: LifespanState, **_: Any) -> None:
    note(f"asgi_shutdown, shop is {state[shop].state}")


asgi_startup.connect(on_startup)
asgi_shutdown.connect(on_shutdown)
