"""Signals around a lifespan: their order, their receivers, and what these write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from django_lifespan_typed import LifespanState, Registry
from django_lifespan_typed.signals import (
    LifespanSender,
    asgi_lifespan,
    asgi_shutdown,
    asgi_startup,
)

from .conftest import Connect
from .server import FakeServer, body_of, run_once, serving
from .urls import NUMBER


async def serve_once(
    registry: Registry,
    state: dict[str, Any] | None = None,
    journal: list[str] | None = None,
    path: str = "/names",
) -> str:
    """Run one lifespan; returns the body of one response."""
    async with serving(registry, state, journal) as server:
        return body_of(await server.request(path))


# --- The order


@pytest.mark.usefixtures("signals")
async def test_signals_are_sent_while_everything_runs(
    numbered: Registry, journal: list[str]
) -> None:
    await serve_once(numbered, {}, journal)

    assert journal == [
        *("asgi_lifespan", "+number", "asgi_startup", "lifespan.startup.complete"),
        *("asgi_shutdown", "-number", "lifespan.shutdown.complete"),
    ]


# --- The receivers


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_receiver_is_called_once_with_scope_and_state(
    numbered: Registry, connect: Connect, is_async: bool
) -> None:
    calls: list[dict[str, Any]] = []

    def plain(**named: Any) -> None:
        calls.append(named)

    async def awaited(**named: Any) -> None:
        await asyncio.sleep(0)
        calls.append(named)

    signals = (asgi_startup, asgi_shutdown)
    for signal in signals:
        connect(signal, awaited if is_async else plain)

    await serve_once(numbered, {})

    for named, signal in zip(calls, signals, strict=True):
        assert named.keys() == {"signal", "sender", "scope", "state"}
        assert named["signal"] is signal
        assert named["sender"] is LifespanSender
        assert named["scope"]["type"] == "lifespan"
        assert isinstance(named["state"], LifespanState)
        assert named["state"][NUMBER] == 7


# --- Receivers that write


async def _write_state(*, state: LifespanState, **_: Any) -> None:
    state["written"] = state[NUMBER] = 8


async def _write_scope(*, scope: dict[str, Any], **_: Any) -> None:
    assert scope["state"]["number"] == 7
    scope["state"]["written"] = scope["state"]["number"] = 8


def _write_state_in_a_thread(*, state: LifespanState, **_: Any) -> None:
    state["written"] = state[NUMBER] = 8


@pytest.mark.parametrize(
    "receiver", [_write_state, _write_scope, _write_state_in_a_thread]
)
async def test_requests_find_the_values_that_a_receiver_writes(
    numbered: Registry, connect: Connect, receiver: Any
) -> None:
    """To ``state`` or, as in django-asgi-lifespan, to ``scope["state"]``."""
    found: list[Any] = []
    connect(asgi_startup, receiver)
    connect(asgi_shutdown, lambda state, **_: found.append(state["written"]))
    state: dict[str, Any] = {}

    names = await serve_once(numbered, state)
    values = await serve_once(numbered, {}, path="/everywhere-async")

    assert names == '["number", "written"]'
    assert values == (
        '{"get_state": 8, "request.state": 8, "by name": 8, "current_state": 8}'
    )
    assert state == {"number": 8, "written": 8}
    assert found == [8, 8]


# --- Managers from receivers


async def test_a_receiver_of_asgi_lifespan_may_return_a_manager(
    registry: Registry, connect: Connect, journal: list[str]
) -> None:
    """Each lifespan asks again: nothing is added to the registry."""

    async def clients() -> AsyncGenerator[dict[str, Any]]:
        journal.append("+clients")
        yield {"client": "of a manager"}
        journal.append("-clients")

    async def receiver(**_: Any) -> Any:
        return clients

    async def adds_nothing(**_: Any) -> None:
        return None

    connect(asgi_lifespan, adds_nothing)
    connect(asgi_lifespan, receiver)
    connect(asgi_lifespan, lambda **_: clients)
    state: dict[str, Any] = {}

    served = await serve_once(registry, state)

    assert served == '["client"]'
    assert state == {"client": "of a manager"}
    assert journal == ["+clients", "-clients"]
    assert registry.managers == ()


async def test_receivers_of_asgi_shutdown_finish_although_the_lifespan_is_cancelled(
    numbered: Registry, connect: Connect, journal: list[str]
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def receiver(**_: Any) -> None:
        entered.set()
        await leave.wait()
        journal.append("received")

    connect(asgi_shutdown, receiver)
    async with FakeServer(numbered, state={}) as server:
        await server.startup()
        server.tell("lifespan.shutdown")
        await entered.wait()
        server.task.cancel()
        await asyncio.sleep(0)
        server.task.cancel()
        await asyncio.sleep(0)
        leave.set()
        await asyncio.wait({server.task})

    assert journal == ["+number", "received", "-number"]


@pytest.mark.parametrize("fails", [False, True])
async def test_an_awaitable_from_a_sync_receiver_is_awaited(
    numbered: Registry, connect: Connect, fails: bool
) -> None:
    async def work() -> None:
        if fails:
            raise OSError("no route")

    connect(asgi_startup, lambda **_: work())
    sent, _ = await run_once(numbered)

    assert sent["type"].endswith("failed" if fails else "complete")
