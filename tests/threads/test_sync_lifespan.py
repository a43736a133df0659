"""``with Lifespan()``: resources for sync code, on the event loop thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import override_settings

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import (
    InvalidSetting,
    LifespanError,
    ShutdownTimeout,
    StateNotFound,
)

from .conftest import Add, loop_threads


async def loop_here(*_: object) -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def enter(lifespan: Lifespan) -> None:
    with lifespan:
        raise AssertionError("it never starts")


# --- Startup and shutdown


def test_resources_run_while_the_block_runs(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """The object may be entered again afterwards."""
    db = add("db")
    add("cache", db)
    lifespan = Lifespan(registry)

    for _ in range(2):
        with lifespan as state:
            journal.append(state[db])

    assert journal == ["+db", "+cache", "the db", "-cache", "-db"] * 2
    assert lifespan.loop is None


def test_the_thread_ends_with_its_last_user(registry: Registry) -> None:
    first, second = Lifespan(registry), Lifespan(registry)

    first.__enter__()
    second.__enter__()
    (thread,) = loop_threads()
    first.__exit__(None, None, None)
    between = loop_threads()
    second.__exit__(None, None, None)

    assert thread.daemon
    assert between == [thread]
    assert loop_threads() == []


def test_tasks_and_generators_end_with_the_loop(registry: Registry) -> None:
    ended: list[str] = []

    async def endless() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            ended.append("generator")

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def forget() -> list[object]:
        left = [asyncio.ensure_future(forever()), generator := endless()]
        await anext(generator)
        return left

    lifespan = Lifespan(registry)
    with lifespan:
        loop = lifespan.loop
        kept = lifespan.call(forget)

    assert kept
    assert sorted(ended) == ["generator", "task"]
    assert loop is not None
    assert loop.is_closed()


# --- Failures


def test_a_failed_startup_leaves_no_thread(registry: Registry) -> None:
    """Nor do wrong arguments and settings."""

    @lifespan_resource("broken", registry=registry)
    async def _() -> int:
        raise RuntimeError("no route to host")

    with pytest.raises(RuntimeError, match="no route to host"):
        enter(Lifespan(registry))
    with pytest.raises(StateNotFound):
        enter(Lifespan(registry, only=(StateKey[str]("unknown"),)))
    with (
        override_settings(LIFESPAN={"STRAT_TIMEOUT": 3}),
        pytest.raises(InvalidSetting),
    ):
        enter(Lifespan(registry))

    assert loop_threads() == []


def test_a_sync_block_is_refused_on_an_event_loop(registry: Registry) -> None:
    """Also on that of the resources."""
    lifespan = Lifespan(registry)

    async def nested() -> None:
        enter(Lifespan(registry))

    with lifespan:
        with pytest.raises(LifespanError) as caught:
            asyncio.run(nested())
        with pytest.raises(LifespanError) as caught_on_the_loop:
            lifespan.call(nested)

    assert str(caught.value) == (
        "this code runs on an event loop, which a sync block would block\n"
        "Write: async with Lifespan() as state:"
    )
    assert str(caught_on_the_loop.value) == str(caught.value)


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


# --- The event loop


def test_async_to_sync_and_call_run_on_the_loop_of_the_resources(
    registry: Registry,
) -> None:
    @lifespan_resource("loop", registry=registry)
    async def loop() -> AsyncGenerator[asyncio.AbstractEventLoop]:
        yield asyncio.get_running_loop()

    lifespan = Lifespan(registry)
    with lifespan as state:
        used = {
            state[loop],
            lifespan.loop,
            lifespan.call(loop_here),
            async_to_sync(loop_here)(),
        }

    assert len(used) == 1
    assert async_to_sync(loop_here)() not in used


@pytest.mark.parametrize("how", ["with", "async with"])
def test_async_to_sync_in_a_blocking_factory_runs_on_the_loop_of_its_dependencies(
    how: str, registry: Registry
) -> None:
    """In its startup, its shutdown and its health check."""
    loops: list[object] = []

    @lifespan_resource("client", registry=registry)
    async def client() -> AsyncGenerator[asyncio.AbstractEventLoop]:
        yield asyncio.get_running_loop()

    @lifespan_resource("index", needs=(client,), registry=registry)
    def index(_: object) -> Generator[int]:
        loops.append(async_to_sync(loop_here)())
        yield 1
        loops.append(async_to_sync(loop_here)())

    @index.health
    def check(_: object) -> None:
        loops.append(async_to_sync(loop_here)())

    async def run() -> object:
        lifespan = Lifespan(registry)
        async with lifespan as state:
            await lifespan.health()
        return state[client]

    if how == "with":
        lifespan = Lifespan(registry)
        with lifespan as state:
            lifespan.call(lifespan.health)
        own: object = state[client]
    else:
        own = asyncio.run(run())

    assert loops == [own] * 3


def test_nested_blocks_share_the_loop(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    db = add("db")
    outer, inner = Lifespan(registry), Lifespan(registry)

    with outer:
        with inner as state:
            loops = {outer.loop, inner.loop, async_to_sync(loop_here)()}
            assert current_state() is state
        assert current_state() is outer.state
        loops.add(async_to_sync(loop_here)())
        journal.append(outer.state[db])

    assert len(loops) == 1
    assert journal == ["+db", "+db", "-db", "the db", "-db"]


def test_threads_share_the_loop_and_nothing_else(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    add("db")
    together = threading.Barrier(4, timeout=30)

    def work() -> tuple[LifespanState, object]:
        with Lifespan(registry) as state:
            together.wait()
            loop = async_to_sync(loop_here)()
            together.wait()
        return state, loop

    with ThreadPoolExecutor(4) as threads:
        done = [future.result() for future in [threads.submit(work) for _ in range(4)]]

    assert len({id(state) for state, _ in done}) == 4
    assert len({loop for _, loop in done}) == 1
    assert sorted(journal) == ["+db"] * 4 + ["-db"] * 4


async def test_a_sync_block_inside_an_async_lifespan_is_the_current_one(
    registry: Registry, add: Add
) -> None:
    db = add("db")

    def view() -> tuple[bool, bool]:
        outside = current_state() is outer
        with Lifespan(registry) as state:
            inside = current_state() is state and state[db] == "the db"
        return outside and current_state() is outer, inside

    async with Lifespan(registry) as outer:
        seen = await sync_to_async(view)()

    assert seen == (True, True)
