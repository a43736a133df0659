"""One lifespan per event loop, restartable; nothing is keyed by process."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed._runtime.current import running

from .probes import (
    SHAPES,
    Probes,
    Raise,
    assert_closed,
    assert_order,
    lifespan_threads,
    phases,
)

BLOCKING = next(shape for shape in SHAPES if shape.blocking)

eager = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="asyncio has no eager tasks"
)


def in_threads(count: int, run: Any) -> None:
    """Run the coroutine function *run* on loops of *count* threads at once."""
    errors: list[BaseException] = []

    def work(index: int) -> None:
        try:
            asyncio.run(run(index))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_two_loops_have_a_lifespan_each() -> None:
    """At once, in two threads of one process, out of one registry."""
    journal: list[str] = []
    registry = Registry()
    opened: list[object] = []
    both = threading.Barrier(2)

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[object]:
        loop = asyncio.get_running_loop()
        opened.append(loop)
        yield loop
        assert asyncio.get_running_loop() is loop
        journal.append("-it")

    async def run(_: int) -> None:
        async with Lifespan(registry) as state:
            await asyncio.to_thread(both.wait, 60)
            assert state[it] is asyncio.get_running_loop()
            assert current_state() is state
            assert len(running.loops()) == 2
            await asyncio.to_thread(both.wait, 60)

    in_threads(2, run)

    assert len(set(map(id, opened))) == 2
    assert journal == ["-it", "-it"]
    assert running.loops() == []


def test_one_loop_stops_while_the_other_goes_on() -> None:
    """Neither knows of the other."""
    registry = Registry()
    probes = Probes(registry, [])
    probes.add_chain("a", "b")
    probes.add("c", "b", shape=BLOCKING)
    first_has_stopped, second_runs = threading.Event(), threading.Event()

    async def run(index: int) -> None:
        lifespan = Lifespan(registry)
        if index == 0:
            assert await asyncio.to_thread(second_runs.wait, 60)
            async with lifespan:
                pass
            first_has_stopped.set()
        else:
            async with lifespan as state:
                second_runs.set()
                assert await asyncio.to_thread(first_has_stopped.wait, 60)
                assert set(phases(lifespan).values()) == {"running"}
                assert current_state() is state

    in_threads(2, run)

    for probe in probes.all():
        assert len(probe.opened) == 2
        assert set(probe.opened) == set(probe.closed)


def test_many_loops_leave_no_trace() -> None:
    """None is forgotten, and none is left, however their starts and stops meet."""
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


def test_the_same_lifespan_runs_on_one_loop_after_the_other() -> None:
    """Tests have a loop each; Mangum one per call."""
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


async def test_two_lifespans_on_one_loop(registry: Registry, probes: Probes) -> None:
    """The latest is the current one; when it ends, the other is it again."""
    probe = probes.add("it")

    async with Lifespan(registry) as outer:
        async with Lifespan(registry) as inner:
            assert current_state() is inner
        assert current_state() is outer
        assert inner["it"] is outer["it"] is probe.value

    assert len(probe.opened) == len(probe.closed) == 2
    assert set(probe.opened) == set(probe.closed)


async def test_two_lifespans_that_overlap(registry: Registry, probes: Probes) -> None:
    """They need not be nested."""
    probes.add("it")
    first, second = Lifespan(registry), Lifespan(registry)

    await first.__aenter__()
    state = await second.__aenter__()
    await first.__aexit__(None, None, None)
    found = current_state()
    await second.__aexit__(None, None, None)

    assert found is state


async def test_a_resource_may_run_a_lifespan_of_its_own(
    registry: Registry, journal: list[str]
) -> None:
    """A lifespan is a resource like any other."""
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


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="a task does not tell that it was cancelled"
)
@pytest.mark.parametrize("number", range(6))
async def test_a_lifespan_in_a_resource_keeps_its_order_when_all_is_cancelled(
    number: int, registry: Registry, journal: list[str]
) -> None:
    """Its task takes back that it was cancelled, in whichever order they hear of it."""
    inner = Registry()
    probes = Probes(inner, journal)
    probes.add_chain("a", "b", "c")
    started = asyncio.Event()

    between = Registry()

    @lifespan_resource("between", registry=between)
    async def _between() -> AsyncGenerator[int]:
        yield 1
        journal.append("-between")

    @lifespan_resource("inner", registry=registry)
    async def _inner() -> AsyncGenerator[Any]:
        async with Lifespan(between), Lifespan(inner) as state:
            yield state

    async def serve() -> None:
        async with Lifespan(registry):
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)  # a receiver of asgi_shutdown

    task = asyncio.ensure_future(serve())
    await started.wait()
    here = asyncio.current_task()
    others = sorted(asyncio.all_tasks() - {here}, key=lambda one: one.get_name())
    for other in [*others[number:], *others[:number]]:
        other.cancel()
    await asyncio.wait({task})

    assert journal == ["+a", "+b", "+c", "-c", "-b", "-a", "-between"]
    assert_closed(*probes.all())


# --- Eager tasks, which begin before create_task() returns


def make_eager() -> None:
    """Let the running loop make eager tasks."""
    factory: Any = asyncio.eager_task_factory  # type: ignore[attr-defined,unused-ignore]
    asyncio.get_running_loop().set_task_factory(factory)


@eager
async def test_eager_tasks_keep_the_order(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Each is opened once, in a task and a context of its own."""
    make_eager()
    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("a", "d")}
    for name in "edcba":
        probes.add(name, *needs[name])
    probes.add("blocking", "b", shape=BLOCKING)
    probes.add("after", "blocking")

    async with Lifespan(registry):
        pass

    assert_order(journal, {**needs, "blocking": ("b",), "after": ("blocking",)})
    assert_closed(*probes.all())


@eager
async def test_eager_tasks_in_a_chain_longer_than_the_stack(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Each starts at once, and none inside another."""
    make_eager()
    names = [f"r{index}" for index in range(2_000)]
    probes.add_chain(*names)

    async with Lifespan(registry):
        pass

    assert journal == [f"+{name}" for name in names] + [
        f"-{name}" for name in reversed(names)
    ]
    assert_closed(*probes.all())


@eager
async def test_an_eager_task_that_fails_at_once(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Whoever has not begun does not begin."""
    make_eager()
    probes.add("a")
    probes.add("b", start=Raise(ValueError("it fails")))
    probes.add("c")
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()

    assert journal == ["+a", "+b", "-b", "-a"]
    assert phases(lifespan) == {"a": "stopped", "b": "failed", "c": "stopped"}


@eager
async def test_eager_tasks_that_are_cancelled(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Cancellation is a shutdown."""
    make_eager()
    probes.add_chain("a", "b")
    started = asyncio.Event()

    async def serve() -> None:
        async with Lifespan(registry):
            started.set()
            await asyncio.Event().wait()

    serving = asyncio.ensure_future(serve())
    await started.wait()
    serving.cancel()
    await asyncio.wait({serving})

    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


# --- What is left


async def test_no_task_is_left(registry: Registry, probes: Probes) -> None:
    """There is one for each resource, and none when the lifespan has been left."""
    probes.add_chain("a", "b", "c")

    async with Lifespan(registry):
        inside = {task.get_name() for task in asyncio.all_tasks()}
    outside = asyncio.all_tasks()

    assert {"lifespan a", "lifespan b", "lifespan c"} <= inside
    assert outside == {asyncio.current_task()}


async def test_no_task_is_left_by_a_failed_start(
    registry: Registry, probes: Probes
) -> None:
    """They are awaited before the start fails."""
    probes.add_chain("a", "b")
    probes.add("c", "b", start=Raise(ValueError("it fails")))
    probes.add("d", "a", shape=BLOCKING)

    with pytest.raises(ValueError, match="it fails"):
        await Lifespan(registry).__aenter__()

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_thread_runs_for_each_blocking_resource(
    registry: Registry, probes: Probes
) -> None:
    """While it runs; it ends with it."""
    probes.add("a", shape=BLOCKING)
    probes.add("b", shape=BLOCKING)
    probes.add("async")

    async with Lifespan(registry):
        inside = lifespan_threads()
    for thread in inside:
        await asyncio.to_thread(thread.join, 60)

    assert len(inside) == 2
    assert all(thread.daemon for thread in inside)
    assert lifespan_threads() == []


async def test_no_timer_is_left(registry: Registry, probes: Probes) -> None:
    """Neither a limit nor a report waits for a lifespan that is over."""
    probes.add_chain("a", "b")
    probes.add("c", shape=BLOCKING)
    loop: Any = asyncio.get_running_loop()
    before = {id(timer) for timer in loop._scheduled if not timer.cancelled()}

    async with Lifespan(registry):
        inside = [timer for timer in loop._scheduled if not timer.cancelled()]
    after = [timer for timer in loop._scheduled if not timer.cancelled()]

    assert {id(timer) for timer in inside} == before
    assert {id(timer) for timer in after} == before


async def test_the_state_of_a_lifespan_does_not_outlive_it(
    registry: Registry, probes: Probes
) -> None:
    """What has failed to start is not current."""
    probes.add("it", start=Raise(ValueError("it fails")))

    async with Lifespan(Registry()) as outer:
        with pytest.raises(ValueError, match="it fails"):
            await Lifespan(registry).__aenter__()
        assert current_state() is outer


async def test_a_key_finds_what_a_resource_of_its_name_made(
    registry: Registry, probes: Probes
) -> None:
    """Two keys of one name stand for the same value."""
    probe = probes.add("it")

    async with Lifespan(registry) as state:
        assert state[StateKey[object]("it")] is probe.value
        assert state["it"] is probe.value
