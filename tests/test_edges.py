"""Promises at their edges: pools, given-up tasks, nested blocks, spent budgets."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, TypeVar

import pytest
from django.http import HttpRequest
from django.test import override_settings
from typing_extensions import Self

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.exceptions import (
    InvalidDeclaration,
    LifespanError,
    LifespanNotRunning,
    ShutdownTimeout,
    StateNotFound,
)
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_shutdown
from django_lifespan_typed.types import Receive, Scope, Send

ConnectionT = TypeVar("ConnectionT")


class Connection: ...


class Pool(Generic[ConnectionT]):
    """Its argument is not what entering it gives."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def entered_pool() -> Pool[Connection]:
    return Pool()


async def awaited_pool() -> Pool[Connection]:
    return Pool()


@pytest.mark.parametrize("factory", [entered_pool, awaited_pool])
async def test_a_generic_class_promises_nothing_of_its_argument(
    factory: Any, registry: Registry
) -> None:
    """``Pool[Connection]`` gives a pool, as psycopg's does."""
    pool = lifespan_resource("pool", registry=registry)(factory)

    async with Lifespan(registry) as state:
        assert isinstance(state[pool], Pool)


def test_a_task_that_was_given_up_does_not_hold_the_block(registry: Registry) -> None:
    """Sync code goes on, whatever a resource swallows."""
    stubborn = threading.Event()

    @lifespan_resource("stubborn", registry=registry)
    async def _() -> AsyncGenerator[int]:
        yield 1
        while not stubborn.is_set():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    limits = {"STOP_TIMEOUT": 0.05, "CANCEL_TIMEOUT": 0.05}
    with (
        override_settings(LIFESPAN=limits),
        pytest.raises(ShutdownTimeout),
        Lifespan(registry),
    ):
        pass

    stubborn.set()


def test_a_thread_that_hangs_does_not_hold_the_block(registry: Registry) -> None:
    """Nor does what a resource has left to the threads of its loop."""
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def blocks() -> None:
        entered.set()
        leave.wait(30)

    @lifespan_resource("busy", registry=registry)
    async def _() -> AsyncGenerator[int]:
        task = asyncio.ensure_future(asyncio.to_thread(blocks))
        await asyncio.to_thread(entered.wait, 30)
        yield 1
        task.cancel()

    def block() -> None:
        with Lifespan(registry):
            pass
        left.set()

    thread = threading.Thread(target=block)
    thread.start()
    in_time = left.wait(10)
    leave.set()
    thread.join()

    assert in_time


def told_by(name: str) -> Registry:
    """A registry whose second resource says which lifespan it thinks it is in."""
    registry = Registry()

    @lifespan_resource("name", registry=registry)
    async def own_name() -> str:
        return name

    @lifespan_resource("seen", needs=(own_name,), registry=registry)
    async def _(_: str) -> Any:
        return current_state()["name"]

    return registry


async def test_a_factory_is_in_the_block_of_its_lifespan() -> None:
    """Not in the one outside of it."""
    async with Lifespan(told_by("outer")), Lifespan(told_by("inner")) as state:
        assert state["seen"] == "inner"


def test_a_factory_is_in_the_block_of_its_thread() -> None:
    """All sync blocks share a loop, and nothing else."""
    seen: list[str] = []

    def other_thread() -> None:
        with Lifespan(told_by("other thread")) as state:
            seen.append(state["seen"])

    with Lifespan(told_by("this thread")):
        thread = threading.Thread(target=other_thread)
        thread.start()
        thread.join()

    assert seen == ["other thread"]


async def ends_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    raise RuntimeError("it died")


async def fails_after_its_shutdown(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
    raise RuntimeError("it died")


@pytest.mark.parametrize("app", [ends_at_once, fails_after_its_shutdown])
async def test_an_application_that_ends_with_an_error_is_noticed(app: Any) -> None:
    """Whatever it has said before."""
    with pytest.raises(LifespanError, match="it died"):
        async with run_asgi_lifespan(app):
            pass


async def test_one_server_may_leave_while_another_serves(registry: Registry) -> None:
    """Two servers on one loop, of applications of one registry."""
    statuses: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    first, second = with_lifespan(app, registry), with_lifespan(app, registry)
    async with run_asgi_lifespan(first):
        async with run_asgi_lifespan(second):
            pass
        await first({"type": "http", "state": {}}, receive, send)

    assert statuses == [200]


async def test_the_budget_of_the_stop_holds_for_receivers_too(
    registry: Registry,
) -> None:
    """A limit of its own that is longer does not count."""

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


def test_a_default_is_given_where_lifespans_cannot_be_told_apart() -> None:
    """In a thread without a loop, beside two that have one."""
    key = StateKey[int]("key")
    up, end = threading.Barrier(3, timeout=30), threading.Event()

    async def serve() -> None:
        async with Lifespan(Registry()):
            await asyncio.to_thread(up.wait)
            await asyncio.to_thread(end.wait, 30)

    threads = [threading.Thread(target=asyncio.run, args=(serve(),)) for _ in "ab"]
    for thread in threads:
        thread.start()
    up.wait()
    try:
        given = get_state(HttpRequest(), key, 7)
        with pytest.raises(LifespanNotRunning):
            get_state(HttpRequest(), key)
    finally:
        end.set()
        for thread in threads:
            thread.join()

    assert given == 7


async def test_an_old_failure_is_not_the_reason(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a start that went well, what is missing is missing for another reason."""
    monkeypatch.setattr(running, "last_failure", "ConnectionError: long ago")
    async with Lifespan(registry):
        pass

    with pytest.raises(StateNotFound) as caught:
        get_state({"type": "http"}, StateKey[int]("key"))

    assert "no lifespan runs in this process" in str(caught.value)


async def test_a_plan_that_fails_is_the_reason(
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Although nothing was started."""
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(running, "last_failure", None)
    needed = StateKey[int]("needed")

    @lifespan_resource("it", needs=(needed,), registry=registry)
    async def _(_: int) -> int:
        return 1

    with pytest.raises(LifespanError):
        async with run_asgi_lifespan(LifespanASGIHandler(registry)):
            pass

    assert running.last_failure is not None
    assert running.last_failure.startswith(
        "MissingDependency: lifespan resource 'it' needs"
    )


@pytest.mark.parametrize(
    "only",
    [pytest.param(("http",), id="a name"), pytest.param(StateKey("k"), id="no comma")],
)
def test_only_takes_keys(only: Any, registry: Registry) -> None:
    """What was given, and what to write."""
    start: Callable[..., object] = Lifespan

    with pytest.raises(InvalidDeclaration) as caught:
        start(registry, only=only)

    first, *_, last = str(caught.value).splitlines()
    assert first == (
        f"a lifespan has only={only!r}, which is not a tuple of keys or resources"
    )
    assert last == "Write: only=(HTTP,) with the comma, and the keys, not their names."
