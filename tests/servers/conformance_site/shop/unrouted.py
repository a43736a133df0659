"""The application behind a router that forgets the lifespan, as Channels' does."""

from __future__ import annotations

from django_lifespan_typed.types import Receive, Scope, Send

from .asgi import application as inner


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        raise ValueError("no application configured for scope type 'lifespan'")
    await inner(scope, receive, send)
