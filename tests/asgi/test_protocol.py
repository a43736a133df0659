"""The lifespan messages: complete, failed, cancelled, repeated or unknown."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from django_lifespan_typed import Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import (
    MissingDependency,
    ProtocolError,
    ShutdownTimeout,
    StartupError,
    StartupTimeout,
)
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.types import Message

from .server import STARTED, STOPPED, FakeServer, body_of

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

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


# --- A failed startup


async def test_a_failed_startup_is_sent_then_raised(
    chained: Registry, journal: list[str]
) -> None:
    problem = OSError("no route to the cache")

    @lifespan_resource("cache", needs=(chained["repo"],), registry=chained)
    async def cache(repo: str) -> AsyncGenerator[str]:
        raise problem
        yield ""

    sent, outcome = await run_once(chained, journal)

    assert outcome is problem
    assert journal == [*BOTH, "lifespan.startup.failed"]
    for shown in (
        "'cache'",
        cache.declared_at.draw(),
        "Traceback (most recent call last):",
        "    raise problem",
        "OSError: no route to the cache",
    ):
        assert shown in sent["message"]


async def test_a_startup_over_its_time_limit_is_sent_then_raised(
    registry: Registry,
) -> None:
    @lifespan_resource("slow", registry=registry, start_timeout=0.05)
    async def slow() -> AsyncGenerator[None]:
        await asyncio.Event().wait()
        yield

    sent, outcome = await run_once(registry)

    assert isinstance(outcome, StartupTimeout)
    assert outcome.name == "slow"
    assert sent["type"] == "lifespan.startup.failed"
    assert str(outcome) in sent["message"]


async def test_an_impossible_plan_is_a_failed_startup(
    chained: Registry, journal: list[str]
) -> None:
    @lifespan_resource("lonely", needs=(StateKey[int]("missing"),), registry=chained)
    async def lonely(_: int) -> int:
        return 1

    sent, outcome = await run_once(chained)

    assert isinstance(outcome, MissingDependency)
    assert sent["type"] == "lifespan.startup.failed"
    assert journal == []


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
    chained: Registry, journal: list[str], raised: BaseException
) -> None:
    """It must not look like "lifespan unsupported", nor end the process."""

    @lifespan_resource("odd", needs=(chained["repo"],), registry=chained)
    async def odd(repo: str) -> None:
        raise raised

    sent, outcome = await run_once(chained, journal)

    assert isinstance(outcome, StartupError)
    assert outcome.name == "odd"
    assert outcome.__cause__ is raised
    assert str(outcome) in sent["message"]
    assert journal == [*BOTH, "lifespan.startup.failed"]


async def test_a_handler_can_start_after_a_failed_startup(
    registry: Registry, journal: list[str]
) -> None:
    problems = [OSError("not yet")]

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        if problems:
            raise problems.pop()
        journal.append("+db")
        yield "db"
        journal.append("-db")

    handler = LifespanASGIHandler(registry)
    async with FakeServer(handler, state={}) as server:
        first = await server.startup()
    async with FakeServer(handler, state={}) as server:
        second = await server.startup()
        served = await server.request("/hello")
        await server.shutdown()

    assert first["type"] == "lifespan.startup.failed"
    assert second == STARTED
    assert body_of(served) == "hello"
    assert journal == ["+db", "-db"]


# --- A failed shutdown


async def test_a_failed_shutdown_is_sent_then_raised(
    chained: Registry, journal: list[str]
) -> None:
    problem = OSError("lost")

    @lifespan_resource("cache", needs=(chained["repo"],), registry=chained)
    async def cache(repo: str) -> AsyncGenerator[str]:
        yield "cache"
        raise problem

    sent, outcome = await run_once(chained, journal)

    assert outcome is problem
    assert journal[2:] == [
        *("lifespan.startup.complete", "-repo", "-db", "lifespan.shutdown.failed")
    ]
    for shown in (
        "'cache'",
        cache.declared_at.draw(),
        "Traceback (most recent call last):",
        "OSError: lost",
    ):
        assert shown in sent["message"]


async def test_several_failed_shutdowns_are_one_group_and_all_named(
    registry: Registry,
) -> None:
    """A traceback shows only fifteen exceptions of a group."""
    names = [f"resource {number}" for number in range(40)]
    for name in names:

        @lifespan_resource(name, registry=registry)
        async def _(name: str = name) -> AsyncGenerator[None]:
            yield
            raise ValueError(f"lost {name}")

    sent, outcome = await run_once(registry)

    assert isinstance(outcome, ExceptionGroup)
    assert len(outcome.exceptions) == 40
    assert sent["type"] == "lifespan.shutdown.failed"
    assert [name for name in names if repr(name) not in sent["message"]] == []


async def test_a_shutdown_over_its_time_limit_is_sent_then_raised(
    chained: Registry, journal: list[str]
) -> None:
    @lifespan_resource(
        "stuck", needs=(chained["repo"],), registry=chained, stop_timeout=0.05
    )
    async def stuck(repo: str) -> AsyncGenerator[None]:
        yield
        await asyncio.Event().wait()

    sent, outcome = await run_once(chained)

    assert isinstance(outcome, ShutdownTimeout)
    assert (outcome.name, outcome.waiting) == ("stuck", ("repo",))
    assert sent["type"] == "lifespan.shutdown.failed"
    assert str(outcome) in sent["message"]
    assert journal == BOTH


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
    chained: Registry, journal: list[str]
) -> None:
    entered = asyncio.Event()

    @lifespan_resource("slow", needs=(chained["repo"],), registry=chained)
    async def slow(repo: str) -> AsyncGenerator[None]:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("slow cancelled")
        yield

    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "slow cancelled", "-repo", "-db"]
    assert server.sent == []


async def test_a_lifespan_cancelled_while_serving_closes_everything(
    chained: Registry, journal: list[str]
) -> None:
    """gunicorn's quick shutdown and a second Ctrl-C send no message."""
    threads = []

    @lifespan_resource("file", registry=chained)
    def file() -> Generator[str]:
        threads.append(threading.current_thread())
        yield "file"
        threads.append(threading.current_thread())

    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        await server.startup()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == BOTH
    assert server.sent == [STARTED]
    opened, closed = threads
    assert opened is closed
    assert opened is not threading.current_thread()


async def test_a_lifespan_cancelled_during_the_shutdown_closes_everything(
    chained: Registry, journal: list[str]
) -> None:
    stopping, leave = asyncio.Event(), asyncio.Event()

    @lifespan_resource("slow", needs=(chained["repo"],), registry=chained)
    async def slow(repo: str) -> AsyncGenerator[None]:
        yield
        stopping.set()
        await leave.wait()
        journal.append("-slow")

    async with FakeServer(LifespanASGIHandler(chained), state={}) as server:
        await server.startup()
        server.tell("lifespan.shutdown")
        await stopping.wait()
        server.task.cancel()
        await asyncio.sleep(0)
        assert not server.task.done()
        leave.set()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "-slow", "-repo", "-db"]
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


async def test_one_handler_runs_one_lifespan_after_another(
    chained: Registry, journal: list[str]
) -> None:
    handler = LifespanASGIHandler(chained)
    served = []

    for _ in range(2):
        async with FakeServer(handler, state={}) as server:
            await server.startup()
            served.append(body_of(await server.request("/hello")))
            await server.shutdown()

    assert served == ["hello", "hello"]
    assert journal == BOTH * 2


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
