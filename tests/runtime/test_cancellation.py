"""Cancellation is a shutdown, at any moment and however often it comes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from django_lifespan_typed import (
    Lifespan,
    Registry,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed.asgi import with_lifespan

from .probes import (
    Do,
    Hang,
    Interrupted,
    Log,
    Pause,
    Probes,
    Raise,
    Serving,
    assert_closed,
    assert_order,
    logged_errors,
    phases,
)
from .test_order import later_or_eagerly, tasks_begin

needs_cancelling = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="tasks do not say whether they are cancelled"
)


def cancel(serving: Serving, order: str) -> None:
    """Cancel the lifespan only, or all other tasks with it."""
    others = asyncio.all_tasks() - {asyncio.current_task(), serving.task}
    tasks = {
        "lifespan only": [serving.task],
        "lifespan first": [serving.task, *others],
        "lifespan last": [*others, serving.task],
    }
    for task in tasks[order]:
        task.cancel()


def is_inner(task: asyncio.Task[Any]) -> bool:
    return task.get_name() in {"lifespan a", "lifespan b"}


async def never_called(*_: object) -> None:
    raise AssertionError("there is no request")


in_either_order = pytest.mark.parametrize("order", ["lifespan first", "lifespan last"])


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("order", ["lifespan only", "lifespan first", "lifespan last"])
async def test_everything_is_closed_at_any_moment_of_the_startup(
    order: str, turns: int, probes: Probes, caplog: Log
) -> None:
    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    probes.add_all(needs, start=Pause(1), stop=Pause(1))
    serving = Serving(probes.registry)

    await Pause(turns).go()
    cancel(serving, order)
    await serving.end()

    assert serving.task.cancelled()
    assert turns or not probes.journal
    assert_closed(*probes.opened())
    assert_order(
        probes.journal, {probe.name: needs[probe.name] for probe in probes.opened()}
    )
    if order == "lifespan only":
        assert set(phases(serving.lifespan).values()) <= {"stopped"}
        assert caplog.records == []  # none was abandoned


async def test_a_cancellation_during_the_cleanup_of_a_failed_startup_waits_for_it(
    probes: Probes, hang: Hang
) -> None:
    probes.add("a", stop=hang)
    probes.add("b", "a", start=Raise(ValueError("it fails")))
    serving = Serving(probes.registry)
    await hang.reached()

    for _ in range(3):
        serving.task.cancel()
        await asyncio.sleep(0)
    hang.release()
    await serving.end()

    assert serving.task.cancelled()
    assert probes.journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


@pytest.mark.parametrize("when", ["start", "stop"])
async def test_an_error_of_a_cancelled_resource_is_logged(
    when: str, probes: Probes, caplog: Log
) -> None:
    error = OSError("untidy")
    step = Interrupted(error)
    if when == "start":
        probes.add("a", start=step)
    else:
        probes.add("a", stop=Raise(error))
    serving = Serving(probes.registry)
    await (step.reached() if when == "start" else serving.started.wait())

    serving.task.cancel()
    await serving.end()

    assert serving.task.cancelled() or serving.task.exception() is error
    assert logged_errors(caplog) == [error]


# --- All tasks, as asyncio.run() does at its end


@needs_cancelling
@in_either_order
async def test_resources_run_until_the_cancelled_lifespan_is_left(
    order: str, probes: Probes
) -> None:
    async def leave() -> None:
        await Pause().go()
        probes.journal.extend(phases(serving.lifespan).values())

    probes.add_chain("a", "b")
    serving = await probes.serve()
    serving.leaving = leave

    cancel(serving, order)
    await serving.end()

    assert probes.journal == ["+a", "+b", "running", "running", "-b", "-a"]
    assert_closed(*probes.all())


@needs_cancelling
async def test_a_resource_stops_in_a_task_that_is_not_cancelled(
    probes: Probes,
) -> None:
    """So time limits and task groups in its cleanup work."""
    counts: list[int] = []

    def count() -> None:
        task: Any = asyncio.current_task()
        counts.append(task.cancelling())

    probes.add("it", stop=Do(count))
    serving = await probes.serve()

    cancel(serving, "lifespan last")
    await serving.end()

    assert counts == [0]


@needs_cancelling
@pytest.mark.parametrize("first", ["outer first", "inner first"])
@pytest.mark.parametrize("how", ["a lifespan", "a mounted application"])
@later_or_eagerly
async def test_a_nested_lifespan_outlasts_the_cancellation_of_all_tasks(
    *, when: str, how: str, first: str, probes: Probes, caplog: Log
) -> None:
    tasks_begin(when)
    outer = Registry()

    @lifespan_resource("nested", registry=outer)
    def nested() -> AbstractAsyncContextManager[Any]:
        if how == "a lifespan":
            return Lifespan(probes.registry)
        return run_asgi_lifespan(with_lifespan(never_called, probes.registry))

    @lifespan_resource("last", registry=outer, needs=(nested,))
    async def last(_: object) -> AsyncGenerator[None]:
        yield
        await Pause().go()
        probes.journal.append("-last")

    probes.add_chain("a", "b")
    serving = Serving(outer)
    await serving.started.wait()

    own = {asyncio.current_task()}
    tasks = sorted(
        asyncio.all_tasks() - own, key=is_inner, reverse=first == "inner first"
    )
    for task in tasks:
        task.cancel()
    await serving.end()

    assert serving.task.cancelled()
    stopped = probes.journal[2:]
    if how == "a mounted application":  # which ends at once: its task is its own
        stopped.sort(key="-last".__ne__)
    assert stopped == ["-last", "-b", "-a"]
    assert caplog.records == []
