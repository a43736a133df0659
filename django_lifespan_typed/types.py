"""Types of the lifespan state and of ASGI."""

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
"""The value of a lifespan manager: a mapping of names to values."""

LifespanManager: TypeAlias = AsyncGenerator[State, None]
"""The return annotation of an ``@asynccontextmanager`` that yields a state."""

Scope: TypeAlias = dict[str, Any]
"""The ASGI connection scope."""

Message: TypeAlias = Mapping[str, Any]
"""An ASGI event, in either direction."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""The ASGI callable that returns the next event."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""The ASGI callable that sends an event."""

ASGIApplication: TypeAlias = Callable[[Any, Any, Any], Awaitable[object]]
"""Any ASGI 3 application, with any annotations of scope, receive and send."""
