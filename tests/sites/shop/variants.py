"""The application behind a wrapper, and another one with the same lifespan."""

from __future__ import annotations

import asyncio

from mysite.asgi import application
from mysite.journal import note

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.types import Receive, Scope, Send
from tests.gates import at_gate

from .lifespan import shop


async def unrouted(scope: Scope, receive: Receive, send: Send) -> None:
    """A router without a lifespan, like Channels' ``ProtocolTypeRouter``."""
    if scope["type"] == "lifespan":
        raise ValueError("no application configured for scope type 'lifespan'")
    await application(scope, receive, send)


async def held(scope: Scope, receive: Receive, send: Send) -> None:
    """In flight until it is cancelled; its clean-up takes a few turns of the loop."""
    opened = get_state(scope, shop)
    note("+request")
    try:
        await at_gate("request")
    finally:
        for _ in range(9):
            await asyncio.sleep(0)
        note(f"-request, shop is {opened.state}")


plain = with_lifespan(held)
