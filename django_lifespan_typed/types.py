"""The types that users and servers exchange with us."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

__all__ = [
    "ASGIApplication",
    "LifespanManager",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "State",
]

State: TypeAlias = MutableMapping[str, Any]
"""What a lifespan manager yields: values by name."""

LifespanManager: TypeAlias = AsyncGenerator[State, None]
"""The return annotation of an ``@asynccontextmanager`` that yields a state."""

Scope: TypeAlias = dict[str, Any]
"""What an ASGI server says of a connection."""

Message: TypeAlias = Mapping[str, Any]
"""An event, in either direction."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""What an application awaits for the next event."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""What an application awaits to send an event."""

ASGIApplication: TypeAlias = Callable[[Any, Any, Any], Awaitable[object]]
"""Any ASGI 3 application, however it annotates scope, receive and send."""
