"""Blocks of Lifespan: code in them, threads beside them, tasks that outlive them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
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
)
from django_lifespan_typed.exceptions import (
    InvalidDeclaration,
    LifespanNotRunning,
    ShutdownTimeout,
)

ConnectionT = TypeVar("ConnectionT")


def registry_named(name: str) -> Registry:
    """A registry with a resource that looks up the *name* of its own lifespan."""
    registry = Registry()

    @lifespan_resource("name", registry=registry)
    async def own_name() -> str:
        return name

    @lifespan_resource("seen", needs=(own_name,), registry=registry)
    async def _(_: str) -> Any:
        return current_state()["name"]

    return registry


async def test_a_factory_sees_its_own_lifespan_in_a_nested_block() -> None:
    async with (
        Lifespan(registry_named("outer")),
        Lifespan(registry_named("inner")) as state,
    ):
        assert state["seen"] == "inner"


def test_a_factory_sees_its_own_lifespan_beside_another_thread() -> None:
    """All blocks of sync code share one event loop."""

    def other_thread() -> object:
        with Lifespan(registry_named("other thread")) as state:
            return state["seen"]

    with Lifespan(registry_named("this thread")), ThreadPoolExecutor(1) as threads:
        assert threads.submit(other_thread).result() == "other thread"


def test_sync_code_gets_a_default_if_two_lifespans_run() -> None:
    key = StateKey[int]("key")
    started, end = threading.Barrier(3, timeout=30), threading.Event()

    async def serve() -> None:
        async with Lifespan(Registry()):
            await asyncio.to_thread(started.wait)
            await asyncio.to_thread(end.wait, 30)

    with ThreadPoolExecutor(2) as threads:
        served = [threads.submit(asyncio.run, serve()) for _ in "ab"]
        started.wait()
        try:
            given = get_state(HttpRequest(), key, 7)
            with pytest.raises(LifespanNotRunning):
                get_state(HttpRequest(), key)
        finally:
            end.set()
        assert [each.result() for each in served] == [None, None]

    assert given == 7


def test_an_abandoned_task_does_not_block_sync_code(registry: Registry) -> None:
    stop = threading.Event()

    @lifespan_resource("stubborn", registry=registry)
    async def _() -> AsyncGenerator[int]:
        yield 1
        while not stop.is_set():
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

    stop.set()


def test_a_hanging_thread_does_not_block_sync_code(registry: Registry) -> None:
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        leave.wait(30)

    @lifespan_resource("busy", registry=registry)
    async def _() -> AsyncGenerator[int]:
        task = asyncio.ensure_future(asyncio.to_thread(hang))
        await asyncio.to_thread(entered.wait, 30)
        yield 1
        task.cancel()

    def block() -> None:
        with Lifespan(registry):
            pass
        left.set()

    thread = threading.Thread(target=block)
    thread.start()
    has_left = left.wait(10)
    leave.set()
    thread.join()

    assert has_left


@pytest.mark.parametrize("only", [("http",), StateKey("k")], ids=["a name", "no comma"])
def test_only_accepts_nothing_but_a_tuple_of_keys(
    only: Any, registry: Registry
) -> None:
    start: Callable[..., object] = Lifespan

    with pytest.raises(InvalidDeclaration, match=r"only="):
        start(registry, only=only)


class Connection: ...


class Pool(Generic[ConnectionT]):
    """A pool returns itself when it is entered, not a connection."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def entered_pool() -> Pool[Connection]:
    return Pool()


async def awaited_pool() -> Pool[Connection]:
    return Pool()


@pytest.mark.parametrize("factory", [entered_pool, awaited_pool])
async def test_the_value_of_a_generic_class_is_not_its_argument(
    factory: Any, registry: Registry
) -> None:
    """psycopg's AsyncConnectionPool is such a class."""
    pool = lifespan_resource("pool", registry=registry)(factory)

    async with Lifespan(registry) as state:
        assert isinstance(state[pool], Pool)
