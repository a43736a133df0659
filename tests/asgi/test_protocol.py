"""The lifespan messages: complete, failed, cancelled, repeated or unknown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed.exceptions import ProtocolError
from tests.runtime.probes import Hang, Probes, Raise

from .server import STARTED, STOPPED, FakeServer, run_once

# --- Failures


@pytest.mark.parametrize(
    ("event", "step"), [("startup", "start"), ("shutdown", "stop")]
)
async def test_a_failure_is_sent_then_raised(
    event: str, step: str, chained: Registry, probes: Probes, journal: list[str]
) -> None:
    """The message has the resource and its location, that of a startup a traceback."""
    problem = OSError("no route to the cache")
    steps: dict[str, Any] = {step: Raise(problem)}
    probes.add("cache", "repo", **steps)

    sent, outcome = await run_once(chained, journal)

    assert outcome is problem
    assert journal[-3:] == ["-repo", "-db", f"lifespan.{event}.failed"]
    for shown in (
        "'cache'",
        probes.resources["cache"].declared_at.draw(),
        "OSError: no route to the cache",
    ):
        assert shown in sent["message"]
    assert ("Traceback" in sent["message"]) == (event == "startup")


# --- Cancellation


@pytest.mark.parametrize("stage", ["startup", "serving", "shutdown"])
async def test_a_cancelled_lifespan_closes_everything(
    chained: Registry, probes: Probes, journal: list[str], stage: str
) -> None:
    """gunicorn's quick shutdown and a second Ctrl-C send no message."""
    slow = Hang()
    start, stop = (slow if stage == name else None for name in ("startup", "shutdown"))
    probes.add("slow", "repo", start=start, stop=stop)

    async with FakeServer(chained, state={}) as server:
        if stage != "startup":
            await server.startup()
        if stage != "serving":
            server.tell(f"lifespan.{stage}")
            await slow.reached()
        server.task.cancel()
        if stage == "shutdown":
            await asyncio.sleep(0)
            assert not server.task.done()
            slow.release()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "+slow", "-slow", "-repo", "-db"]
    assert server.sent == ([] if stage == "startup" else [STARTED])


# --- Unexpected messages


@pytest.mark.parametrize(
    ("unexpected", "problem"),
    [
        ("lifespan.startup", "'lifespan.startup' a second time"),
        ("lifespan.pause", "unknown 'lifespan.pause'"),
    ],
)
async def test_an_unexpected_message_while_serving_closes_everything(
    chained: Registry, journal: list[str], unexpected: str, problem: str
) -> None:
    async with FakeServer(chained, state={}) as server:
        await server.startup()
        server.tell(unexpected)
        outcome = await server.outcome()

    assert isinstance(outcome, ProtocolError)
    assert str(outcome) == (
        f"the server sent {problem} instead of 'lifespan.shutdown' (the ASGI "
        "specification, 'Lifespan Protocol')\n"
        "Report it to the server, or to the middleware between it and Django."
    )
    assert journal == ["+db", "+repo", "-repo", "-db"]
    assert server.sent == [STARTED]


async def test_a_shutdown_without_a_startup_is_complete(
    chained: Registry, journal: list[str]
) -> None:
    async with FakeServer(chained, state={}) as server:
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert (sent, outcome, journal) == (STOPPED, None, [])
