"""One lifespan per event loop and registry, restartable."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, current_state, lifespan_resource
from django_lifespan_typed._runtime.current import running

from .probes import (
    BLOCKING,
    Probes,
    Raise,
    assert_closed,
    assert_order,
    lifespan_threads,
    phases,
)


def in_threads(count: int, run: Callable[[int], Awaitable[object]]) -> None:
    """Run the coroutine function *run* on the loops of *count* threads."""
    errors: list[BaseException] = []

    def work(index: int) -> None:
        try:
            asyncio.run(run(index))  # type: ignore[arg-type]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


# --- Several loops


def test_two_loops_have_a_lifespan_each() -> None:
    """One shuts down while the other keeps running."""
    registry = Registry()
    probes = Probes(registry, [])
    probes.add("blocking", shape=BLOCKING)
    both = threading.Barrier(2)
    first_has_stopped = threading.Event()

    @lifespan_resource("it", needs=(probes.resources["blocking"],), registry=registry)
    async def it(_: object) -> AsyncGenerator[object]:
        loop = asyncio.get_running_loop()
        yield loop
        assert asyncio.get_running_loop() is loop

    async def run(index: int) -> None:
        async with (lifespan := Lifespan(registry)) as state:
            await asyncio.to_thread(both.wait, 60)
            assert state[it] is asyncio.get_running_loop()
            assert current_state() is state
            if index:
                assert await asyncio.to_thread(first_has_stopped.wait, 60)
                assert set(phases(lifespan).values()) == {"running"}
                assert current_state() is state
        first_has_stopped.set()

    in_threads(2, run)

    probe = probes["blocking"]
    assert len(probe.opened) == len(probe.closed) == 2
    assert set(probe.opened) == set(probe.closed)


def test_concurrent_loops_leave_no_lifespan() -> None:
    interval = sys.getswitchinterval()
    registry = Registry()
    Probes(registry, []).add("it")

    async def run(_: int) -> None:
        for _ in range(50):
            async with Lifespan(registry) as state:
                assert current_state() is state

    sys.setswitchinterval(1e-6)
    try:
        in_threads(4, run)
    finally:
        sys.setswitchinterval(interval)

    assert running.loops() == []


def test_a_lifespan_may_run_on_one_loop_after_the_other() -> None:
    """Tests have a loop each, and Mangum has one per call."""
    registry = Registry()
    probes = Probes(registry, [])
    probes.add_chain("a", "b")
    probes.add("c", "b", shape=BLOCKING)
    lifespan = Lifespan(registry)

    async def run() -> None:
        assert lifespan.loop is None
        async with lifespan:
            assert lifespan.loop is asyncio.get_running_loop()

    for _ in range(3):
        asyncio.run(run())

    assert lifespan.loop is None
    assert_closed(*probes.all(), times=3)


# --- Several lifespans on one loop


async def test_the_innermost_lifespan_is_the_current_one(probes: Probes) -> None:
    probe = probes.add("it")

    async with probes.lifespan() as outer:
        async with probes.lifespan() as inner:
            assert current_state() is inner
        assert current_state() is outer
        assert inner["it"] is outer["it"] is probe.value

    assert len(probe.opened) == len(probe.closed) == 2
    assert set(probe.opened) == set(probe.closed)


async def test_lifespans_may_overlap(probes: Probes) -> None:
    probes.add("it")
    first, second = probes.lifespan(), probes.lifespan()

    await first.__aenter__()
    state = await second.__aenter__()
    await first.__aexit__(None, None, None)
    found = current_state()
    await second.__aexit__(None, None, None)

    assert found is state


async def test_a_resource_may_run_a_lifespan(
    registry: Registry, journal: list[str]
) -> None:
    inner = Registry()
    probes = Probes(inner, journal)
    probes.add_chain("a", "b")

    @lifespan_resource("inner", registry=registry)
    async def _inner() -> AsyncGenerator[Any]:
        async with Lifespan(inner) as state:
            yield state

    async with Lifespan(registry) as state:
        assert sorted(state["inner"]) == ["a", "b"]

    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


# --- Eager tasks, which begin before create_task() returns


@pytest.fixture
async def _eager_tasks() -> None:
    factory: Any = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        pytest.skip("asyncio has no eager tasks before Python 3.12")
    asyncio.get_running_loop().set_task_factory(factory)


eager = pytest.mark.usefixtures("_eager_tasks")


@eager
async def test_eager_tasks_keep_the_order(probes: Probes) -> None:
    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("a", "d")}
    probes.add_all(needs)
    probes.add("blocking", "b", shape=BLOCKING)
    probes.add("after", "blocking")

    await probes.run()

    assert_order(probes.journal, {**needs, "blocking": ("b",), "after": ("blocking",)})
    assert_closed(*probes.all())


@eager
async def test_a_chain_of_eager_tasks_may_be_longer_than_the_stack(
    probes: Probes,
) -> None:
    names = [f"r{index}" for index in range(2_000)]
    probes.add_chain(*names)

    await probes.run()

    starts = [f"+{name}" for name in names]
    assert probes.journal == starts + [f"-{name}" for name in reversed(names)]
    assert_closed(*probes.all())


@eager
async def test_an_eager_task_that_fails_at_once_closes_the_others(
    probes: Probes,
) -> None:
    probes.add("a")
    probes.add("b", start=Raise(ValueError("it fails")))
    probes.add("c")

    with pytest.raises(ValueError, match="it fails"):
        await probes.run()

    assert probes.phases() == {"a": "stopped", "b": "failed", "c": "stopped"}
    assert_closed(*probes.opened())


@eager
async def test_cancelled_eager_tasks_are_shut_down(probes: Probes) -> None:
    probes.add_chain("a", "b")
    serving = await probes.serve()
    serving.task.cancel()
    await serving.end()

    assert serving.task.cancelled()
    assert probes.journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


# --- Tasks and threads


async def test_each_resource_has_a_task_that_ends_with_the_lifespan(
    probes: Probes,
) -> None:
    probes.add_chain("a", "b", "c")

    async with probes.lifespan():
        inside = {task.get_name() for task in asyncio.all_tasks()}

    assert {"lifespan a", "lifespan b", "lifespan c"} <= inside
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_each_blocking_resource_has_a_thread_that_ends_with_it(
    probes: Probes,
) -> None:
    probes.add("a", shape=BLOCKING)
    probes.add("b", shape=BLOCKING)
    probes.add("async")

    async with probes.lifespan():
        inside = lifespan_threads()
    for thread in inside:
        await asyncio.to_thread(thread.join, 60)

    assert len(inside) == 2
    assert all(thread.daemon for thread in inside)
    assert lifespan_threads() == []
