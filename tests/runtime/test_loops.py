"""One lifespan per event loop and registry, restartable."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, current_state, lifespan_resource
from django_lifespan_typed._runtime.current import running

from .probes import BLOCKING, Probes, assert_closed, assert_order, lifespan_threads


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


async def test_lifespans_may_overlap(probes: Probes) -> None:
    probes.add("it")
    first, second = probes.lifespan(), probes.lifespan()

    await first.__aenter__()
    state = await second.__aenter__()
    await first.__aexit__(None, None, None)
    found = current_state()
    await second.__aexit__(None, None, None)

    assert found is state


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


# --- Tasks and threads


async def test_each_resource_has_a_task_or_a_thread_that_ends_with_it(
    probes: Probes,
) -> None:
    probes.add_chain("a", "b")
    probes.add("c", shape=BLOCKING)

    async with probes.lifespan():
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        (thread,) = lifespan_threads()
    await asyncio.to_thread(thread.join, 60)

    assert {"lifespan a", "lifespan b"} <= tasks
    assert thread.daemon
    assert asyncio.all_tasks() == {asyncio.current_task()}
