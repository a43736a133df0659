"""The lifespan messages: complete, failed, cancelled, repeated or unknown."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed.exceptions import ProtocolError, StartupError
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.types import Message
from tests.runtime.probes import Hang, Probes, Raise, Shape
from tests.runtime.shapes import coroutine_function

from .server import STARTED, STOPPED, FakeServer, body_of

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

BOTH = ["+db", "+repo", "-repo", "-db"]


async def run_once(
    registry: Registry, journal: list[str] | None = None
) -> tuple[Message, BaseException | None]:
    """Start, and shut down if that works; returns the last message and the error."""
    handler = LifespanASGIHandler(registry)
    async with FakeServer(handler, state={}, journal=journal) as server:
        sent = await server.startup()
        if sent == STARTED:
            sent = await server.shutdown()
        return sent, await server.outcome()


async def test_each_message_is_answered_when_its_work_is_done(
    chained: Registry, journal: list[str]
) -> None:
    sent, outcome = await run_once(chained, journal)

    assert (sent, outcome) == (STOPPED, None)
    assert journal == [
        *("+db", "+repo", "lifespan.startup.complete"),
        *("-repo", "-db", "lifespan.shutdown.complete"),
    ]


async def test_nothing_starts_before_the_startup_message(
    chained: Registry, journal: list[str]
) -> None:
    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        for _ in range(10):
            await asyncio.sleep(0)

        assert journal == []
        assert await server.startup() == STARTED


# --- Failures


@pytest.mark.parametrize(
    ("event", "step"), [("startup", "start"), ("shutdown", "stop")]
)
async def test_a_failure_is_sent_then_raised(
    event: str, step: str, chained: Registry, probes: Probes, journal: list[str]
) -> None:
    """The message has the resource, its location and the traceback."""
    problem = OSError("no route to the cache")
    steps: dict[str, Any] = {step: Raise(problem)}
    probes.add("cache", "repo", **steps)

    sent, outcome = await run_once(chained, journal)

    assert outcome is problem
    assert journal[-3:] == ["-repo", "-db", f"lifespan.{event}.failed"]
    for shown in (
        "'cache'",
        probes.resources["cache"].declared_at.draw(),
        "Traceback (most recent call last):",
        "OSError: no route to the cache",
    ):
        assert shown in sent["message"]


@pytest.mark.parametrize(
    "raised",
    [
        asyncio.CancelledError(),
        SystemExit(4),
        KeyboardInterrupt(),
        GeneratorExit(),
        BaseExceptionGroup("several", [SystemExit(4)]),
    ],
    ids=lambda raised: type(raised).__name__,
)
async def test_a_base_exception_is_a_failed_startup(
    chained: Registry, probes: Probes, journal: list[str], raised: BaseException
) -> None:
    """It must not look like "lifespan unsupported", nor end the process."""
    made = Shape(coroutine_function, closes=False)
    probes.add("odd", "repo", shape=made, start=Raise(raised))

    sent, outcome = await run_once(chained, journal)

    assert isinstance(outcome, StartupError)
    assert outcome.name == "odd"
    assert outcome.__cause__ is raised
    assert str(outcome) in sent["message"]
    assert journal[-3:] == ["-repo", "-db", "lifespan.startup.failed"]


# --- Cancellation


async def test_a_lifespan_cancelled_before_the_startup_starts_nothing(
    chained: Registry, journal: list[str]
) -> None:
    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        await asyncio.sleep(0)
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert (journal, server.sent) == ([], [])


async def test_a_lifespan_cancelled_during_the_startup_closes_everything(
    chained: Registry, probes: Probes, journal: list[str]
) -> None:
    slow = Hang()
    probes.add("slow", "repo", start=slow)

    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        server.tell("lifespan.startup")
        await slow.reached()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "+slow", "-slow", "-repo", "-db"]
    assert server.sent == []


async def test_a_lifespan_cancelled_while_serving_closes_everything(
    chained: Registry, journal: list[str]
) -> None:
    """gunicorn's quick shutdown and a second Ctrl-C send no message."""
    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        await server.startup()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == BOTH
    assert server.sent == [STARTED]


async def test_a_lifespan_cancelled_during_the_shutdown_closes_everything(
    chained: Registry, probes: Probes, journal: list[str]
) -> None:
    slow = Hang()
    probes.add("slow", "repo", stop=slow)

    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        await server.startup()
        server.tell("lifespan.shutdown")
        await slow.reached()
        server.task.cancel()
        await asyncio.sleep(0)
        assert not server.task.done()
        slow.release()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "+slow", "-slow", "-repo", "-db"]
    assert server.sent == [STARTED]


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
    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        await server.startup()
        server.tell(unexpected)
        outcome = await server.outcome()

    assert isinstance(outcome, ProtocolError)
    assert str(outcome) == (
        f"the server sent {problem} instead of 'lifespan.shutdown' (the ASGI "
        "specification, 'Lifespan Protocol')\n"
        "Report it to the server, or to the middleware between it and Django."
    )
    assert journal == BOTH
    assert server.sent == [STARTED]


async def test_an_unknown_first_message_starts_nothing(
    chained: Registry, journal: list[str]
) -> None:
    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        server.tell("lifespan.pause")
        outcome = await server.outcome()

    assert isinstance(outcome, ProtocolError)
    assert (journal, server.sent) == ([], [])


async def test_a_shutdown_without_a_startup_is_complete(
    chained: Registry, journal: list[str]
) -> None:
    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert (sent, outcome, journal) == (STOPPED, None, [])


# --- Several lifespans of one handler


def test_one_handler_runs_a_lifespan_on_each_new_loop(
    chained: Registry, journal: list[str]
) -> None:
    """A test suite has a loop per test, and one application."""
    handler = LifespanASGIHandler(chained)

    async def serve() -> Any:
        async with FakeServer(handler, state={}) as server:
            await server.startup()
            served = await server.request("/hello")
            await server.shutdown()
        return body_of(served)

    assert [asyncio.run(serve()), asyncio.run(serve())] == ["hello", "hello"]
    assert journal == BOTH * 2
