"""run_asgi_lifespan: applications that fail, and servers that share a lifespan."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed import (
    Registry,
    StateKey,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.exceptions import LifespanError
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_shutdown
from django_lifespan_typed.types import Receive, Scope, Send


async def fails_while_serving(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    raise RuntimeError("it died")


async def fails_after_shutdown(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
    raise RuntimeError("it died")


@pytest.mark.parametrize("app", [fails_while_serving, fails_after_shutdown])
async def test_an_exception_of_the_application_is_raised(app: Any) -> None:
    with pytest.raises(LifespanError, match="it died"):
        async with run_asgi_lifespan(app):
            pass


async def test_one_server_leaves_while_another_serves(registry: Registry) -> None:
    """Two servers on one event loop share the lifespan of one registry."""
    statuses: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    first, second = with_lifespan(app, registry), with_lifespan(app, registry)
    async with run_asgi_lifespan(first):
        async with run_asgi_lifespan(second):
            pass
        await first({"type": "http", "state": {}}, receive, send)

    assert statuses == [200]


async def test_the_budget_of_the_shutdown_includes_signal_receivers(
    registry: Registry,
) -> None:
    async def hangs(**_: Any) -> None:
        await asyncio.Event().wait()

    asgi_shutdown.connect(hangs)
    try:
        with (
            override_settings(LIFESPAN={"STOP_BUDGET": 0.05, "STOP_TIMEOUT": 3600}),
            pytest.raises(LifespanError, match=r"took longer than 0\.05 s"),
        ):
            async with run_asgi_lifespan(LifespanASGIHandler(registry)):
                pass
    finally:
        asgi_shutdown.disconnect(hangs)


async def test_a_failed_plan_is_a_failed_startup(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    @lifespan_resource("it", needs=(StateKey[int]("missing"),), registry=registry)
    async def _(_: int) -> int:
        return 1

    with pytest.raises(LifespanError, match="'missing'"):
        async with run_asgi_lifespan(LifespanASGIHandler(registry)):
            pass
