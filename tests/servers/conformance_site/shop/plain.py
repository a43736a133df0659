"""Another ASGI application than Django's, with the same lifespan."""

from __future__ import annotations

import asyncio

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.types import Receive, Scope, Send
from tests.processes import at_gate

from . import asgi
from .journal import note
from .lifespan import shop

__all__ = ["application", "asgi"]  # which sets up Django


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


application = with_lifespan(held)
