"""Task groups and cancel scopes work across the yield of a factory, and around it."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any

import anyio
import pytest

from .probes import BLOCKING, Hang, Log, Pause, Probes, assert_closed, phases
from .task_groups import Group, add_group, each_group

IN_ORDER = ["+before", "+group", "+user", "-user", "-group", "-before"]

# --- Inside a resource


@each_group
async def test_children_run_until_their_resource_stops(
    group: Group, probes: Probes
) -> None:
    resource = add_group(probes, group)
    probes.add("user", "group")
    has_run = asyncio.Event()

    async def child() -> None:
        has_run.set()
        try:
            await asyncio.Event().wait()
        finally:
            probes.journal.append("-child")

    async with probes.lifespan() as state:
        state[resource](child)
        await has_run.wait()

    assert probes.journal == ["+group", "+user", "-user", "-child", "-group"]
    assert_closed(*probes.all())


@each_group
@pytest.mark.parametrize(
    "order", [*permutations(["lifespan", "resource", "child"])], ids=", ".join
)
async def test_cancelling_all_tasks_is_not_a_crash(
    group: Group, order: tuple[str, ...], probes: Probes, caplog: Log
) -> None:
    """The resource waits for its dependents, although its task group has ended."""
    tasks: dict[str, Any] = {}
    probes.add("before")
    add_group(probes, group, "before")
    probes.add("user", "group", stop=Pause())
    is_running = asyncio.Event()

    async def child() -> None:
        tasks["child"] = asyncio.current_task()
        is_running.set()
        await asyncio.Event().wait()

    serving = await probes.serve()
    serving.lifespan.state["group"](child)
    await is_running.wait()
    tasks["lifespan"] = serving.task
    tasks["resource"] = probes["group"].opened[0].runs_in
    for name in order:
        tasks[name].cancel()
    await serving.end()

    assert serving.task.cancelled()
    assert probes.journal == IN_ORDER
    assert_closed(*probes.all())
    assert caplog.records == []
    assert set(phases(serving.lifespan).values()) == {"stopped"}


# --- Around a lifespan


async def test_a_shutdown_in_a_cancelled_scope_is_complete(probes: Probes) -> None:
    """anyio cancels every await in the scope, again and again."""
    probes.add_chain("a", "b")
    probes["b"].stop = Pause()

    with anyio.CancelScope() as scope:
        async with probes.lifespan():
            scope.cancel()
            await asyncio.Event().wait()

    assert scope.cancelled_caught
    assert probes.journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_thread_is_awaited_in_a_cancelled_scope(
    probes: Probes, hang: Hang, caplog: Log
) -> None:
    async def release() -> None:
        await hang.reached()
        hang.release()

    probe = probes.add("it", shape=BLOCKING, stop=hang)
    releasing = asyncio.ensure_future(release())

    with anyio.CancelScope() as scope:
        async with probes.resources["it"].open():
            scope.cancel()
            await asyncio.Event().wait()
    await releasing

    assert_closed(probe)
    assert caplog.records == []
