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
Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[Any, Any, Any], Awaitable[object]]
"""Any ASGI 3 application, however it annotates scope, receive and send."""
