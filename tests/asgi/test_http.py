"""Responses are those of Django's own handler, message for message."""

from __future__ import annotations

import asyncio
from typing import Any

import django
import pytest
from django.core.handlers.asgi import ASGIHandler

from django_lifespan_typed import Registry
from django_lifespan_typed.types import Message

from . import urls
from .server import request, serving

REQUESTS: dict[str, dict[str, Any]] = {
    "async view": {"path": "/hello"},
    "sync view": {"path": "/hello-sync"},
    "query": {"path": "/echo?a=1&b=2"},
    "body": {"path": "/echo", "method": "POST", "body": b"\x00" * 70_000},
    "cookie": {"path": "/echo", "headers": {b"cookie": b"seen=no"}},
    "HEAD": {"path": "/hello", "method": "HEAD"},
    "redirect": {"path": "/redirect"},
    "not found": {"path": "/absent"},
    "broken view": {"path": "/broken"},
    "stream": {"path": "/stream"},
    "sync stream": {"path": "/stream-sync"},
    "file": {"path": "/file"},
    "bad content-length": {
        "path": "/echo",
        "headers": {b"content-length": b"nonsense"},
    },
    "aborted body": {"path": "/echo", "aborted": True},
}


@pytest.mark.filterwarnings(
    "ignore:StreamingHttpResponse must consume synchronous:Warning"
)
@pytest.mark.parametrize("options", REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize("state", [{}, None], ids=["state", "no state"])
async def test_a_response_is_that_of_djangos_own_handler(
    numbered: Registry, options: dict[str, Any], state: dict[str, Any] | None
) -> None:
    expected = await request(ASGIHandler(), **options)

    async with serving(numbered, state) as server:
        served = await server.request(**options)

    assert served == expected


async def ask_and_leave(app: Any) -> list[Message]:
    """Request the view ``/hold`` and disconnect while it is waiting."""
    left, urls.held["entered"] = asyncio.Event(), asyncio.Event()
    urls.held["leave"] = asyncio.Event()
    asking = asyncio.ensure_future(
        request(app, "/hold", state={"number": 7}, disconnected=left)
    )
    await urls.held["entered"].wait()
    left.set()
    return await asking


@pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django 4.2 does not listen for a disconnect"
)
async def test_a_disconnect_cancels_the_view_as_in_django(numbered: Registry) -> None:
    outcomes = []
    async with serving(numbered, {}) as server:
        for app in ASGIHandler(), server.app:
            sent = await ask_and_leave(app)
            outcomes.append((sent, urls.held.pop("cancelled", False)))
    urls.held.clear()

    assert outcomes == [([], True)] * 2
