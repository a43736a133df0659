"""Django's signals round a lifespan: who is called, with what, and when."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import LifespanState, Registry, lifespan_resource
from django_lifespan_typed._asgi.signal_dispatch import send
from django_lifespan_typed.exceptions import LifespanError
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import (
    LifespanSender,
    asgi_lifespan,
    asgi_shutdown,
    asgi_startup,
)

from .server import STARTED, STOPPED, FakeServer, body_of
from .urls import NUMBER

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

Connect = Callable[[Signal, Any], None]


@pytest.fixture
def numbered(registry: Registry, journal: list[str]) -> Registry:
    """A registry of one resource, in the journal."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        journal.append("+number")
        yield 7
        journal.append("-number")

    return registry


# --- The order


async def test_signals_are_sent_round_the_resources(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """``asgi_startup`` finds everything running, ``asgi_shutdown`` still does."""

    def journaling(name: str) -> Callable[..., None]:
        return lambda **_: journal.append(name)

    connect(asgi_lifespan, lambda **_: journal.append("asgi_lifespan") or manager)
    connect(asgi_startup, journaling("asgi_startup"))
    connect(asgi_shutdown, journaling("asgi_shutdown"))

    async def yielding() -> AsyncGenerator[dict[str, Any]]:
        yield {}

    def manager() -> AsyncGenerator[dict[str, Any]]:
        return yielding()

    async with FakeServer(
        LifespanASGIHandler(numbered), state={}, journal=journal
    ) as server:
        await server.startup()
        await server.shutdown()

    assert journal == [
        "asgi_lifespan",
        "+number",
        "asgi_startup",
        "lifespan.startup.complete",
        "asgi_shutdown",
        "-number",
        "lifespan.shutdown.complete",
    ]


async def test_a_failed_start_sends_neither_signal(
    registry: Registry, connect: Connect, journal: list[str]
) -> None:
    """What did not start up is not shut down."""
    connect(asgi_startup, lambda **_: journal.append("asgi_startup"))
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        raise OSError("never")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        await server.outcome()

    assert journal == []


async def test_a_cancelled_lifespan_sends_the_shutdown(
    numbered: Registry, connect: Connect, journal: list[str]
) -> None:
    """A cancellation is a shutdown, for receivers too."""
    connect(asgi_startup, lambda **_: journal.append("asgi_startup"))
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        server.task.cancel()
        await server.outcome()

    assert journal == ["+number", "asgi_startup", "asgi_shutdown", "-number"]


async def test_cancelled_while_a_receiver_starts_closes_everything(
    numbered: Registry, connect: Connect, journal: list[str]
) -> None:
    """The signal was sent, so the shutdown is sent too, and resources are closed."""
    entered = asyncio.Event()

    async def slow(**_: Any) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("receiver cancelled")

    connect(asgi_startup, slow)
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert server.sent == []
    assert journal == ["+number", "receiver cancelled", "asgi_shutdown", "-number"]


# --- The receivers


class Handler:
    """What an ``AppConfig`` connects: bound methods."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def plain(self, **named: Any) -> None:
        self.calls.append(named)

    async def awaited(self, **named: Any) -> None:
        await asyncio.sleep(0)
        self.calls.append(named)


def _plain_function(calls: list[dict[str, Any]]) -> Any:
    def receiver(**named: Any) -> None:
        calls.append(named)

    return receiver


def _async_function(calls: list[dict[str, Any]]) -> Any:
    async def receiver(**named: Any) -> None:
        await asyncio.sleep(0)
        calls.append(named)

    return receiver


def _partial_of_async(calls: list[dict[str, Any]]) -> Any:
    async def receiver(where: list[dict[str, Any]], **named: Any) -> None:
        await asyncio.sleep(0)
        where.append(named)

    return partial(receiver, calls)


def _plain_that_returns_an_awaitable(calls: list[dict[str, Any]]) -> Any:
    return lambda **named: _async_function(calls)(**named)


def _plain_that_returns_a_callable(calls: list[dict[str, Any]]) -> Any:
    def receiver(**named: Any) -> Callable[[], None]:
        calls.append(named)
        return lambda: calls.append({"called": "although nobody asked for it"})

    return receiver


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_plain_function, id="function"),
        pytest.param(_async_function, id="async function"),
        pytest.param(_partial_of_async, id="partial of async function"),
        pytest.param(_plain_that_returns_an_awaitable, id="returns an awaitable"),
        pytest.param(_plain_that_returns_a_callable, id="returns a callable"),
    ],
)
async def test_every_receiver_is_called_with_scope_and_state(
    numbered: Registry, connect: Connect, make: Callable[[list[dict[str, Any]]], Any]
) -> None:
    """Once for each signal, and nothing that it returns is called."""
    started: list[dict[str, Any]] = []
    stopped: list[dict[str, Any]] = []
    connect(asgi_startup, make(started))
    connect(asgi_shutdown, make(stopped))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        before_the_stop = list(stopped)
        await server.shutdown()

    assert before_the_stop == []
    for (named,), signal in ((started, asgi_startup), (stopped, asgi_shutdown)):
        assert named.keys() == {"signal", "sender", "scope", "state"}
        assert named["signal"] is signal
        assert named["sender"] is LifespanSender
        assert named["scope"]["type"] == "lifespan"
        assert isinstance(named["state"], LifespanState)
        assert named["state"][NUMBER] == 7


@pytest.mark.parametrize("weak", [True, False], ids=["weak", "strong"])
@pytest.mark.parametrize("name", ["plain", "awaited"])
async def test_bound_methods_are_called(
    numbered: Registry, name: str, weak: bool
) -> None:
    """As ``AppConfig.ready()`` connects them."""
    handler = Handler()
    asgi_startup.connect(getattr(handler, name), weak=weak)
    asgi_shutdown.connect(getattr(handler, name), weak=weak)

    try:
        async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
            await server.startup()
            await server.shutdown()
    finally:
        asgi_startup.disconnect(getattr(handler, name))
        asgi_shutdown.disconnect(getattr(handler, name))

    assert [call["signal"] for call in handler.calls] == [asgi_startup, asgi_shutdown]


@pytest.mark.parametrize("kind", [Mock, AsyncMock])
async def test_mocks_are_called(
    numbered: Registry, connect: Connect, kind: type[Mock]
) -> None:
    """A project's tests connect them; an ``AsyncMock`` is awaited."""
    starting, stopping = kind(), kind()
    connect(asgi_startup, starting)
    connect(asgi_shutdown, stopping)

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        started = await server.startup()
        stopped = await server.shutdown()

    assert (started, stopped) == (STARTED, STOPPED)
    for mock in (starting, stopping):
        mock.assert_called_once()
        assert mock.call_args.kwargs["state"][NUMBER] == 7
        if isinstance(mock, AsyncMock):
            mock.assert_awaited_once()


async def test_a_receiver_of_another_sender_is_not_called(numbered: Registry) -> None:
    """Django's rule of senders holds."""
    other, ours = Mock(), Mock()
    asgi_startup.connect(other, sender=Handler)
    asgi_startup.connect(ours, sender=LifespanSender)

    try:
        async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
            await server.startup()
            await server.shutdown()
    finally:
        asgi_startup.disconnect(other, sender=Handler)
        asgi_startup.disconnect(ours, sender=LifespanSender)

    other.assert_not_called()
    ours.assert_called_once()


async def test_a_sync_receiver_does_not_block_the_loop(
    registry: Registry, connect: Connect
) -> None:
    """It is called in Django's thread, and the loop goes on."""
    gone_on = threading.Event()
    threads: list[threading.Thread] = []

    def receiver(**_: Any) -> None:
        assert gone_on.wait(30)
        threads.append(threading.current_thread())

    connect(asgi_startup, receiver)

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        server.tell("lifespan.startup")
        for _ in range(10):
            await asyncio.sleep(0)
        gone_on.set()
        started = await server.reply()
        await server.shutdown()

    assert started == STARTED
    assert threads != [threading.current_thread()]


async def test_async_receivers_run_together_after_the_sync_ones(
    registry: Registry, connect: Connect, journal: list[str]
) -> None:
    """The same on every Django: two async receivers may wait for each other."""
    first, second = asyncio.Event(), asyncio.Event()

    async def waits_for_second(**_: Any) -> None:
        first.set()
        await second.wait()
        journal.append("async")

    async def waits_for_first(**_: Any) -> None:
        await first.wait()
        second.set()
        journal.append("async")

    connect(asgi_startup, waits_for_second)
    connect(asgi_startup, waits_for_first)
    connect(asgi_startup, lambda **_: journal.append("sync"))

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        started = await server.startup()
        await server.shutdown()

    assert started == STARTED
    assert journal == ["sync", "async", "async"]


async def test_a_receiver_finds_the_values_in_the_scope_too(
    numbered: Registry, connect: Connect
) -> None:
    """Where receivers of django-asgi-lifespan look for them."""
    found: list[Any] = []
    connect(asgi_startup, lambda scope, **_: found.append(scope["state"]["number"]))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        await server.shutdown()

    assert found == [7]


# --- Receivers that write


async def _write_state(*, state: LifespanState, **_: Any) -> None:
    state["written"] = "by a receiver"


async def _write_scope(*, scope: dict[str, Any], **_: Any) -> None:
    scope["state"]["written"] = "by a receiver"


def _write_state_in_thread(*, state: LifespanState, **_: Any) -> None:
    state["written"] = "by a receiver"


@pytest.mark.parametrize(
    "receiver", [_write_state, _write_scope, _write_state_in_thread]
)
async def test_what_a_receiver_writes_is_there_for_requests(
    numbered: Registry, connect: Connect, receiver: Any
) -> None:
    """On ``state`` or on ``scope["state"]``, as its author is used to."""
    found: list[Any] = []
    connect(asgi_startup, receiver)
    connect(asgi_shutdown, lambda state, **_: found.append(state["written"]))
    state: dict[str, Any] = {}

    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        served = await server.request("/names")
        await server.shutdown()

    assert body_of(served) == '["number", "written"]'
    assert state == {"number": 7, "written": "by a receiver"}
    assert found == ["by a receiver"]


async def test_what_a_receiver_writes_is_there_without_a_state(
    numbered: Registry, connect: Connect
) -> None:
    """Where the server has no state, ``state`` is the place to write on."""
    connect(asgi_startup, _write_state)

    async with FakeServer(LifespanASGIHandler(numbered), state=None) as server:
        await server.startup()
        served = await server.request("/names")
        await server.shutdown()

    assert body_of(served) == '["number", "written"]'


async def _replace_state(*, state: LifespanState, **_: Any) -> None:
    state[NUMBER] = 8


async def _replace_scope(*, scope: dict[str, Any], **_: Any) -> None:
    scope["state"]["number"] = 8


@pytest.mark.parametrize("receiver", [_replace_state, _replace_scope])
async def test_what_a_receiver_replaces_is_replaced_for_requests(
    numbered: Registry, connect: Connect, receiver: Any
) -> None:
    """The latest word counts, wherever it was written."""
    connect(asgi_startup, receiver)
    state: dict[str, Any] = {}

    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        served = await server.request("/everywhere-async")
        await server.shutdown()

    assert body_of(served) == (
        '{"get_state": 8, "request.state": 8, "by name": 8, "current_state": 8}'
    )


# --- Receivers that fail


@pytest.mark.parametrize("kind", [Mock, AsyncMock])
async def test_a_failed_startup_receiver_is_a_failed_start(
    numbered: Registry, connect: Connect, journal: list[str], kind: type[Mock]
) -> None:
    """The shutdown is sent, resources are closed, the error is the receiver's own."""
    problem = OSError("of a receiver")
    connect(asgi_startup, kind(side_effect=problem))
    connect(asgi_startup, lambda **_: journal.append("another receiver"))
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    async with FakeServer(
        LifespanASGIHandler(numbered), state={}, journal=journal
    ) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert outcome is problem
    assert journal == [
        "+number",
        "another receiver",
        "asgi_shutdown",
        "-number",
        "lifespan.startup.failed",
    ]
    assert "OSError: of a receiver" in sent["message"]


@pytest.mark.parametrize("kind", [Mock, AsyncMock])
async def test_a_failed_shutdown_receiver_keeps_nothing_open(
    numbered: Registry, connect: Connect, journal: list[str], kind: type[Mock]
) -> None:
    """The stop visits everybody, then says what went wrong."""
    problem = OSError("of a receiver")
    connect(asgi_shutdown, kind(side_effect=problem))
    connect(asgi_shutdown, lambda **_: journal.append("another receiver"))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert outcome is problem
    assert journal == ["+number", "another receiver", "-number"]
    assert sent["type"] == "lifespan.shutdown.failed"
    assert "OSError: of a receiver" in sent["message"]


async def test_several_failed_receivers_are_one_group(
    registry: Registry, connect: Connect
) -> None:
    """Nobody's error is lost, sync or async."""
    connect(asgi_startup, Mock(side_effect=OSError("sync")))
    connect(asgi_startup, AsyncMock(side_effect=ValueError("async")))

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert isinstance(outcome, BaseExceptionGroup)
    assert outcome.message == "receivers of a lifespan signal failed"
    assert [str(error) for error in outcome.exceptions] == ["sync", "async"]
    assert sent["type"] == "lifespan.startup.failed"


async def test_a_receiver_and_a_resource_that_fail_to_stop_are_one_group(
    registry: Registry, connect: Connect
) -> None:
    """Both are told to the server."""
    connect(asgi_shutdown, Mock(side_effect=OSError("of a receiver")))

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7
        raise ValueError("of a resource")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert isinstance(outcome, BaseExceptionGroup)
    assert outcome.message == "the lifespan failed to stop"
    assert [str(error) for error in outcome.exceptions] == [
        "of a receiver",
        "of a resource",
    ]
    assert sent["type"] == "lifespan.shutdown.failed"


@pytest.mark.parametrize("raised", [SystemExit(4), KeyboardInterrupt()], ids=type)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("signal", "answer"),
    [
        pytest.param(asgi_startup, "lifespan.startup.failed", id="startup"),
        pytest.param(asgi_shutdown, "lifespan.shutdown.failed", id="shutdown"),
    ],
)
async def test_a_receiver_cannot_end_the_process(
    *,
    numbered: Registry,
    journal: list[str],
    connect: Connect,
    signal: Signal,
    answer: str,
    is_async: bool,
    raised: BaseException,
) -> None:
    """What is no ``Exception`` is a failure of the lifespan, told as one."""

    def plain(**_: Any) -> None:
        raise raised

    async def awaited(**_: Any) -> None:
        raise raised

    connect(signal, awaited if is_async else plain)

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        server.tell("lifespan.shutdown")
        outcome = await server.outcome()

    assert isinstance(outcome, LifespanError)
    assert str(outcome) == (
        f"a receiver of a lifespan signal raised {type(raised).__name__}"
    )
    assert outcome.__cause__ is raised
    assert server.sent[-1]["type"] == answer
    assert journal == ["+number", "-number"]


async def test_a_receiver_that_raises_a_cancellation_is_a_failed_start(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """Rule 7: it was not the server that cancelled."""
    connect(asgi_startup, AsyncMock(side_effect=asyncio.CancelledError()))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert isinstance(outcome, LifespanError)
    assert sent["type"] == "lifespan.startup.failed"
    assert str(outcome) == "a receiver of a lifespan signal raised CancelledError"
    assert journal == ["+number", "-number"]


async def test_a_failed_start_by_a_receiver_logs_what_then_fails_to_stop(
    registry: Registry, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """The first problem is raised; the one that follows is in the log."""
    connect(asgi_startup, Mock(side_effect=OSError("of a receiver")))
    following = ValueError("of a resource")

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7
        raise following

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        outcome = await server.outcome()

    assert str(outcome) == "of a receiver"
    logged = [
        record
        for record in caplog.records
        if record.getMessage() == "the lifespan failed to stop"
    ]
    assert [record.exc_info[1] for record in logged if record.exc_info] == [following]


# --- Receivers that hang


@pytest.fixture
def let_go() -> Generator[threading.Event]:
    """Set at the latest when the test ends, so that no thread outlives it."""
    event = threading.Event()
    yield event
    event.set()


@override_settings(LIFESPAN={"START_TIMEOUT": 0.05})
async def test_an_async_receiver_that_hangs_at_startup_is_a_failed_start(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """It has as long as a resource has, and its name is in the error."""

    async def hangs(**_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("cancelled")

    connect(asgi_startup, hangs)
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert isinstance(outcome, LifespanError)
    assert str(outcome) == (
        f"receivers of a lifespan signal took longer than 0.05 s: {hangs!r}\n"
        "Make them shorter, or raise the limit in settings.LIFESPAN."
    )
    assert sent["type"] == "lifespan.startup.failed"
    assert journal == ["+number", "cancelled", "asgi_shutdown", "-number"]


@override_settings(LIFESPAN={"STOP_TIMEOUT": 0.05})
async def test_an_async_receiver_that_hangs_at_shutdown_keeps_nothing_open(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """It is cancelled, resources are closed, the server is told."""

    async def hangs(**_: Any) -> None:
        await asyncio.Event().wait()

    connect(asgi_shutdown, hangs)

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert str(outcome) == (
        f"receivers of a lifespan signal took longer than 0.05 s: {hangs!r}\n"
        "Make them shorter, or raise the limit in settings.LIFESPAN."
    )
    assert sent["type"] == "lifespan.shutdown.failed"
    assert journal == ["+number", "-number"]


@override_settings(
    LIFESPAN={"START_TIMEOUT": 0.05, "STOP_TIMEOUT": 0.05, "CANCEL_TIMEOUT": 0.05}
)
@pytest.mark.parametrize(
    ("signal", "answer"),
    [
        pytest.param(asgi_startup, "lifespan.startup.failed", id="startup"),
        pytest.param(asgi_shutdown, "lifespan.shutdown.failed", id="shutdown"),
    ],
)
async def test_a_sync_receiver_that_hangs_keeps_nothing_open(
    *,
    numbered: Registry,
    journal: list[str],
    connect: Connect,
    let_go: threading.Event,
    signal: Signal,
    answer: str,
) -> None:
    """It blocks the thread that Django's sync code shares, and still ends nothing."""

    def hangs(**_: Any) -> None:
        let_go.wait()

    connect(signal, hangs)

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        server.tell("lifespan.shutdown")
        outcome = await server.outcome()
        let_go.set()

    assert isinstance(outcome, LifespanError)
    assert str(outcome) == (
        f"receivers of a lifespan signal took longer than 0.05 s: {hangs!r}\n"
        "Make them shorter, or raise the limit in settings.LIFESPAN."
    )
    assert server.sent[-1]["type"] == answer
    assert journal == ["+number", "-number"]


# --- Receivers that use the database


@pytest.fixture
def database(tmp_path: Path) -> Generator[str]:
    """The alias of a database in a file: one in memory is never closed."""
    alias = "of_receivers"
    connections.databases[alias] = {
        **connections.databases[DEFAULT_DB_ALIAS],
        "NAME": tmp_path / "receivers.sqlite3",
    }
    yield alias
    del connections.databases[alias]


def _is_open(alias: str) -> bool:
    return hasattr(connections._connections, alias) and (  # type: ignore[attr-defined]
        connections[alias].connection is not None
    )


def _query(alias: str, journal: list[str]) -> None:
    with connections[alias].cursor() as cursor:
        journal.append(f"answer {cursor.execute('SELECT 42').fetchone()[0]}")


@pytest.mark.parametrize(
    "signal", [asgi_lifespan, asgi_startup], ids=["lifespan", "startup"]
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_receiver_that_queries_leaves_no_connection(
    *,
    registry: Registry,
    journal: list[str],
    connect: Connect,
    database: str,
    signal: Signal,
    is_async: bool,
) -> None:
    """No request comes to that thread to close what a receiver opened in it."""

    def plain(**_: Any) -> Any:
        _query(database, journal)
        return manager

    async def awaited(**_: Any) -> Any:
        return await sync_to_async(plain)()

    async def manager() -> AsyncGenerator[dict[str, Any]]:
        yield {}

    connect(signal, awaited if is_async else plain)

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        started = await server.startup()
        open_while_serving = await sync_to_async(_is_open)(database)
        await server.shutdown()

    assert started == STARTED
    assert journal == ["answer 42"]
    assert not open_while_serving


async def test_a_shutdown_receiver_that_queries_leaves_no_connection(
    registry: Registry, journal: list[str], connect: Connect, database: str
) -> None:
    """The thread outlives the lifespan, in tests for example."""
    connect(asgi_shutdown, lambda **_: _query(database, journal))

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        await server.shutdown()
        open_after = await sync_to_async(_is_open)(database)

    assert journal == ["answer 42"]
    assert not open_after


# --- Managers from a receiver


async def test_a_receiver_of_asgi_lifespan_gives_a_manager(
    registry: Registry, connect: Connect, journal: list[str]
) -> None:
    """As the first django-asgi-lifespan registered them, sync or async."""

    async def clients() -> AsyncGenerator[dict[str, Any]]:
        journal.append("+clients")
        yield {"client": "of a manager"}
        journal.append("-clients")

    async def receiver(**_: Any) -> Any:
        return clients

    connect(asgi_lifespan, receiver)
    connect(asgi_lifespan, lambda **_: clients)
    state: dict[str, Any] = {}

    async with FakeServer(LifespanASGIHandler(registry), state=state) as server:
        await server.startup()
        await server.shutdown()

    assert state == {"client": "of a manager"}
    assert journal == ["+clients", "-clients"]


async def test_a_manager_of_a_receiver_is_not_kept(
    registry: Registry, connect: Connect
) -> None:
    """Asked anew at each start: nothing is added to the registry."""

    async def clients() -> AsyncGenerator[dict[str, Any]]:
        yield {}

    connect(asgi_lifespan, lambda **_: clients)

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        await server.shutdown()

    assert registry.managers == ()


async def test_signals_are_silent_in_the_log(
    numbered: Registry, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Where all is well, nothing is warned of."""
    connect(asgi_startup, AsyncMock())
    connect(asgi_shutdown, Mock())

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        await server.shutdown()

    ours = [
        record.getMessage()
        for record in caplog.records
        if record.name == "django_lifespan_typed" and record.levelno >= logging.WARNING
    ]
    assert ours == []


async def test_a_thread_that_is_gone_is_an_error(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the process no receiver can be called: it is not tried for ever."""
    gone = ThreadPoolExecutor(max_workers=1)
    gone.shutdown()
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", gone)
    connect(asgi_shutdown, lambda **_: None)

    with pytest.raises(RuntimeError, match="after shutdown"):
        await send(asgi_shutdown, timeout=5, to_the_end=True)


async def test_a_cancelled_shutdown_still_calls_who_has_not_been_called(
    connect: Connect, journal: list[str], let_go: threading.Event
) -> None:
    """Whatever occupies the thread of the sync receivers, and then it is raised."""
    occupied = asyncio.ensure_future(sync_to_async(let_go.wait)())
    await asyncio.sleep(0)
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    sending = asyncio.ensure_future(send(asgi_shutdown, timeout=60, to_the_end=True))
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.sleep(0)
    before = list(journal)
    let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (before, journal) == ([], ["asgi_shutdown"])
    assert await occupied


async def test_a_loop_that_cancels_each_of_its_tasks_cancels_the_sending(
    connect: Connect, journal: list[str]
) -> None:
    """Also those that are within it; nobody takes it for sent."""
    entered = asyncio.Event()

    async def slow(**_: Any) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("receiver cancelled")

    connect(asgi_startup, slow)
    before = asyncio.all_tasks()
    sending = asyncio.ensure_future(send(asgi_startup, timeout=60))
    await entered.wait()

    for within in asyncio.all_tasks() - before - {sending}:
        within.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending
    assert journal == ["receiver cancelled"]
