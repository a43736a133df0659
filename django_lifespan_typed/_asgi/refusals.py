"""Refusals: the answers to requests while no lifespan is running."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import resolve

from .._runtime.current import running
from ..types import Scope, Send

CONTENT_TYPE: Final = "text/plain; charset=utf-8"
RETRY_AFTER: Final = "10"
"""Seconds, for the header of that name (RFC 9110)."""


def refusal_text() -> str:
    """Return the body of the answer, with the cause if ``DEBUG`` is set."""
    text = "Service Unavailable: the application is not running.\n"
    if settings.DEBUG and running.last_failure is not None:
        text += f"\nThe lifespan failed to start: {running.last_failure}\n"
    return text


def is_liveness_probe(path: str) -> bool:
    """Return whether *path* is that of ``livez``, which needs no lifespan."""
    try:
        view: object = resolve(path).func
    except Exception:  # no such path, or a URLconf that cannot be imported
        return False
    return getattr(view, "needs_no_lifespan", False)


async def refuse(scope: Scope, send: Send) -> None:
    """
    Refuse a request with 503, or close a websocket.

    Servers answer 403 for the latter, since its handshake is not complete (ASGI
    specification, "Close - send event").
    """
    if scope["type"] == "http":
        headers = [
            (b"content-type", CONTENT_TYPE.encode()),
            (b"retry-after", RETRY_AFTER.encode()),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        body = refusal_text().encode()
        await send({"type": "http.response.body", "body": body})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013})
    else:
        raise ValueError(f"no lifespan is running for scope type {scope['type']!r}")
