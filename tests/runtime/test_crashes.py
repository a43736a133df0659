"""Resources that die while serving; task groups and cancel scopes across the yield."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import permutations
from typing import Any

import anyio
import pytest

from django_lifespan_typed import (
    Lifespan,
    Registry,
    Resource,
    StateKey,
    lifespan_resource,
)
from django_lifespan_typed._asgi.signalled import run_with_signals
from django_lifespan_typed._runtime.run import Run
from django_lifespan_typed._threads import worker as _worker
from django_lifespan_typed.exceptions import ResourceCrashed, StartupError
from django_lifespan_typed.signals import asgi_shutdown

from .probes import Hang, Probes, Step, Stubborn, assert_closed, phases

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

Spawn = Callable[[Callable[[], Any]], Any]


@asynccontextmanager
async def anyio_group() -> AsyncGenerator[Spawn]:
    """A way to spawn a child; cancels the children at its end."""
    async with anyio.create_task_group() as group:
        yield group.start_soon
        group.cancel_scope.cancel()


@asynccontextmanager
async def asyncio_group() -> AsyncGenerator[Spawn]:
    """A way to spawn a child; cancels the children at its end."""
    group_class: Any = asyncio.TaskGroup  # type: ignore[attr-defined,unused-ignore]
    children: list[asyncio.Task[Any]] = []
    async with group_class() as group:
        yield lambda child: children.append(group.create_task(child()))
        for child in children:
            child.cancel()


GROUPS = [
    anyio_group,
    pytest.param(
        asyncio_group,
        marks=pytest.mark.skipif(
            sys.version_info < (3, 11), reason="asyncio has no task groups"
        ),
    ),
]
each_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
Group = Callable[[], AbstractAsyncContextManager[Spawn]]


async def until(lifespan: Lifespan, name: str, phase: str) -> None:
    """Return when the resource is in that phase."""
    while phases(lifespan)[name] != phase:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)


def declare_group(
    registry: Registry, group: Group, journal: list[str], *needs: str
) -> Resource[Spawn]:
    """A resource that holds a task group open across its yield."""
    keys: Any = tuple(StateKey[Any](need) for need in needs)
    declare: Any = lifespan_resource("group", needs=keys, registry=registry)

    async def _group(*_: object) -> AsyncGenerator[Spawn]:
        journal.append("+group")
        try:
            async with group() as spawn:
                yield spawn
        finally:
            journal.append("-group")

    resource: Resource[Spawn] = declare(_group)
    return resource


@each_group
async def test_a_task_group_is_held_open(
    group: Group, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Its children run while the lifespan runs, and have ended after it."""
    resource = declare_group(registry, group, journal)
    probes.add("user", "group")
    ran = asyncio.Event()

    async def child() -> None:
        ran.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("-child")

    async with Lifespan(registry) as state:
        state[resource](child)
        await ran.wait()

    assert journal == ["+group", "+user", "-user", "-child", "-group"]
    assert_closed(*probes.all())


@each_group
async def test_a_child_that_crashes_is_noticed(
    group: Group,
    registry: Registry,
    probes: Probes,
    journal: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Logged with its traceback, once; the others go on, and are closed."""
    error = ValueError("of the child")
    probes.add("apart")
    resource = declare_group(registry, group, journal)
    probes.add("user", "group")
    lifespan = Lifespan(registry)

    async def child() -> None:
        raise error

    async with lifespan as state:
        spawn = state[resource]
        spawn(child)
        await until(lifespan, "group", "crashed")
        assert phases(lifespan) == {
            "apart": "running",
            "group": "crashed",
            "user": "running",
        }
        assert state[resource] is spawn
        journal.append("serving")

    assert journal[2:] in (
        ["+user", "-group", "serving", "-user", "-apart"],
        ["+user", "-group", "serving", "-apart", "-user"],
    )
    assert_closed(*probes.all())
    assert phases(lifespan) == {
        "apart": "stopped",
        "group": "crashed",
        "user": "stopped",
    }
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        f"lifespan resource 'group' ended while in use with ExceptionGroup\n"
        f"{resource.declared_at.draw()}"
    )
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], BaseExceptionGroup)
    assert record.exc_info[1].exceptions == (error,)
    crash = lifespan.status()[1].error
    assert isinstance(crash, ResourceCrashed)
    assert crash.__cause__ is record.exc_info[1]
    assert str(crash) == record.getMessage()


@each_group
async def test_a_crash_does_not_fail_the_stop(
    group: Group, registry: Registry, journal: list[str]
) -> None:
    """It was told when it happened; its needs are closed in order."""
    probes = Probes(registry, journal)
    probes.add("needed")

    @lifespan_resource("group", needs=(probes.resources["needed"],), registry=registry)
    async def _group(_: object) -> AsyncGenerator[Spawn]:
        async with group() as spawn:
            yield spawn

    async def child() -> None:
        raise ValueError("of the child")

    lifespan = Lifespan(registry)
    async with lifespan as state:
        state["group"](child)
        await until(lifespan, "group", "crashed")
        assert journal == ["+needed"]

    assert journal == ["+needed", "-needed"]
    assert_closed(*probes.all())


async def test_a_crash_while_the_server_takes_its_time_to_leave(
    registry: Registry, journal: list[str]
) -> None:
    """It is cancelled and has not left: a resource that dies until then is noticed."""
    resource = declare_group(registry, anyio_group, journal)
    lifespan = Lifespan(registry)
    started = asyncio.Event()

    async def child() -> None:
        raise ValueError("of the child")

    async def serve() -> None:
        async with lifespan as state:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                state[resource](child)
                await until(lifespan, "group", "crashed")
                journal.append("noticed")

    serving = asyncio.ensure_future(serve())
    await started.wait()
    serving.cancel()
    await asyncio.wait({serving})

    assert serving.cancelled()
    assert journal == ["+group", "-group", "noticed"]
    (status,) = lifespan.status()
    assert isinstance(status.error, ResourceCrashed)
    assert isinstance(status.error.__cause__, BaseExceptionGroup)
    assert [str(error) for error in status.error.__cause__.exceptions] == [
        "of the child"
    ]


async def test_a_cancel_scope_is_held_open(registry: Registry) -> None:
    """It is entered and left in one task, or anyio would complain."""
    found: list[Any] = []

    @lifespan_resource("scope", registry=registry)
    async def scope() -> AsyncGenerator[anyio.CancelScope]:
        with anyio.CancelScope() as scope:
            yield scope
        found.append(scope.cancelled_caught)

    async with Lifespan(registry) as state:
        assert not state[scope].cancel_called

    assert found == [False]


async def test_a_cancelled_scope_ends_its_resource(
    registry: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Without an error there is no traceback; that it has ended is told."""

    @lifespan_resource("scope", registry=registry)
    async def scope() -> AsyncGenerator[anyio.CancelScope]:
        with anyio.CancelScope() as scope:
            yield scope
        journal.append("-scope")

    lifespan = Lifespan(registry)
    async with lifespan as state:
        state[scope].cancel()
        await until(lifespan, "scope", "crashed")

    assert journal == ["-scope"]
    assert [record.getMessage() for record in caplog.records] == [
        f"lifespan resource 'scope' ended while in use\n{scope.declared_at.draw()}"
    ]


async def test_a_deadline_held_open_ends_its_resource(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """A limit round the yield is a mistake, and is seen as one."""

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        with anyio.fail_after(0.01):
            yield 1

    lifespan = Lifespan(registry)
    async with lifespan:
        await until(lifespan, "it", "crashed")

    assert [record.getMessage() for record in caplog.records] == [
        "lifespan resource 'it' ended while in use with TimeoutError\n"
        + it.declared_at.draw()
    ]


class Pauses(Step):
    """It takes a few turns of the loop."""

    async def go(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@each_group
@pytest.mark.parametrize(
    "order",
    list(permutations(["lifespan", "resource", "child"])),
    ids=lambda order: ", ".join(order),
)
async def test_all_tasks_cancelled_at_once_are_no_crash(
    group: Group,
    order: tuple[str, ...],
    registry: Registry,
    probes: Probes,
    *,
    journal: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A resource waits for its turn, although its task group ends already."""
    tasks: dict[str, Any] = {}
    probes.add("before")
    resource = declare_group(registry, group, journal, "before")
    # Not cancelled itself, or its stop would be cut off.
    probes.add("user", "group", stop=Pauses())
    lifespan = Lifespan(registry)
    started = asyncio.Event()

    async def child() -> None:
        tasks["child"] = asyncio.current_task()
        started.set()
        await asyncio.Event().wait()

    async def serve() -> None:
        async with lifespan as state:
            state[resource](child)
            await asyncio.Event().wait()

    tasks["lifespan"] = asyncio.ensure_future(serve())
    await started.wait()
    tasks["resource"] = next(
        task for task in asyncio.all_tasks() if task.get_name() == "lifespan group"
    )
    for name in order:
        tasks[name].cancel()
    await asyncio.wait({tasks["lifespan"]})

    assert tasks["lifespan"].cancelled()
    assert journal == ["+before", "+group", "+user", "-user", "-group", "-before"]
    assert_closed(*probes.all())
    assert caplog.records == []
    assert set(phases(lifespan).values()) == {"stopped"}


@each_group
async def test_a_child_that_crashes_while_others_stop(
    group: Group, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Its resource waits for its turn, and tells then."""
    error = ValueError("of the child")

    class Crash(Pauses):
        async def go(self) -> None:
            go.set()
            await super().go()

    go = asyncio.Event()
    probes.add("before")
    resource = declare_group(registry, group, journal, "before")
    probes.add("user", "group", stop=Crash())
    lifespan = Lifespan(registry)

    async def child() -> None:
        await go.wait()
        raise error

    with pytest.raises(BaseExceptionGroup) as caught:
        async with lifespan as state:
            state[resource](child)

    assert caught.value.exceptions == (error,)
    assert journal == ["+before", "+group", "+user", "-user", "-group", "-before"]
    assert_closed(*probes.all())
    assert phases(lifespan) == {
        "before": "stopped",
        "group": "failed",
        "user": "stopped",
    }


@each_group
async def test_a_child_that_crashes_while_its_resource_starts(
    group: Group, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """A failed start like any other."""
    probes.add("before")

    @lifespan_resource("it", needs=(probes.resources["before"],), registry=registry)
    async def it(_: object) -> AsyncGenerator[Spawn]:
        async def child() -> None:
            raise ValueError("of the child")

        async with group() as spawn:
            spawn(child)
            await asyncio.Event().wait()
            yield spawn

    lifespan = Lifespan(registry)
    with pytest.raises(BaseExceptionGroup) as caught:
        await lifespan.__aenter__()

    assert [str(error) for error in caught.value.exceptions] == ["of the child"]
    assert caught.value.__notes__ == [
        f"while starting lifespan resource 'it'\n{it.declared_at.draw()}"
    ]
    assert journal == ["+before", "-before"]
    assert_closed(*probes.all())


@each_group
async def test_a_crash_before_the_start_is_over_fails_the_start(
    group: Group, registry: Registry, journal: list[str]
) -> None:
    """Nobody starts with a value that is dead already, and nobody is served."""
    crash = asyncio.Event()
    reached = asyncio.Event()

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[str]:
        async def child() -> None:
            await crash.wait()
            raise ValueError("of the child")

        async with group() as spawn:
            spawn(child)
            yield "a value"

    @lifespan_resource("slow", needs=(it,), registry=registry)
    async def slow(_: str) -> AsyncGenerator[str]:
        reached.set()
        await asyncio.Event().wait()
        yield "never"

    @lifespan_resource("later", needs=(slow,), registry=registry)
    async def later(_: str) -> AsyncGenerator[str]:
        journal.append("+later")
        yield "never"

    lifespan = Lifespan(registry)
    starting = asyncio.ensure_future(lifespan.__aenter__())
    await reached.wait()
    crash.set()
    with pytest.raises(ResourceCrashed) as caught:
        await starting

    assert str(caught.value) == (
        f"lifespan resource 'it' ended while in use with ExceptionGroup\n"
        f"{it.declared_at.draw()}"
    )
    assert journal == []
    assert phases(lifespan) == {"it": "crashed", "slow": "stopped", "later": "stopped"}


@each_group
async def test_a_child_that_fails_while_its_resource_stops(
    group: Group, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """A failed stop like any other."""
    probes.add("before")
    started = asyncio.Event()

    async def child() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("of the child")

    @lifespan_resource("it", needs=(probes.resources["before"],), registry=registry)
    async def it(_: object) -> AsyncGenerator[Spawn]:
        async with group() as spawn:
            yield spawn

    lifespan = Lifespan(registry)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with lifespan as state:
            state[it](child)
            await started.wait()

    assert [str(error) for error in caught.value.exceptions] == ["of the child"]
    assert journal == ["+before", "-before"]
    assert phases(lifespan) == {"before": "stopped", "it": "failed"}
    assert_closed(*probes.all())


@each_group
async def test_a_lifespan_in_a_task_group_that_is_cancelled(
    group: Group, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """The server's own task group: its cancellation is a shutdown."""
    probes.add_chain("a", "b")
    started = asyncio.Event()

    async def serve() -> None:
        async with Lifespan(registry):
            started.set()
            await asyncio.Event().wait()

    async with group() as spawn:
        spawn(serve)
        await started.wait()

    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_lifespan_under_a_cancelled_scope_is_closed(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """anyio cancels again and again until the scope is left."""
    probes.add_chain("a", "b")

    with anyio.CancelScope() as scope:
        async with Lifespan(registry):
            scope.cancel()
            await asyncio.Event().wait()

    assert scope.cancelled_caught
    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_stop_under_a_cancelled_scope_waits_without_spinning(
    registry: Registry,
) -> None:
    """What anyio cancels at each turn of the loop is shielded from it."""
    turns = 0
    awaited: list[str] = []

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        yield 1
        counting = asyncio.ensure_future(count())
        await asyncio.sleep(0.05)
        counting.cancel()
        awaited.append("it")

    changes: list[None] = []
    change = Run._change

    async def changing(self: Run) -> None:
        changes.append(None)
        await change(self)

    with pytest.MonkeyPatch.context() as patch, anyio.CancelScope() as scope:
        patch.setattr(Run, "_change", changing)
        async with Lifespan(registry):
            changes.clear()
            scope.cancel()
            await asyncio.Event().wait()

    assert awaited == ["it"]
    assert turns > 9
    assert len(changes) == 1


async def test_receivers_under_a_cancelled_scope_come_to_their_end(
    registry: Registry,
) -> None:
    """As where a task is cancelled: cancellation is a shutdown."""
    journal: list[str] = []

    async def on_shutdown(**_: object) -> None:
        await asyncio.sleep(0)
        journal.append("told")

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        yield 1
        await asyncio.sleep(0)
        journal.append("-it")

    asgi_shutdown.connect(on_shutdown)
    try:
        with anyio.CancelScope() as scope:
            async with run_with_signals(registry, {"type": "lifespan"}):
                scope.cancel()
                await asyncio.Event().wait()
    finally:
        asgi_shutdown.disconnect(on_shutdown)

    assert journal == ["told", "-it"]


async def test_a_thread_that_outlasts_a_cancelled_scope_is_left(
    registry: Registry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deadline is not put off for as long as a thread likes."""
    monkeypatch.setattr(_worker, "_UNWIND", 0.05)
    go_on = threading.Event()

    @lifespan_resource("it", registry=registry)
    def it() -> Iterator[int]:
        try:
            yield 1
        finally:
            assert go_on.wait(60)

    with anyio.CancelScope() as scope:
        async with it.open():
            scope.cancel()
            await asyncio.Event().wait()
    go_on.set()

    assert scope.cancelled_caught
    assert "the thread of 'it' does not end; it is left open" in caplog.text


async def test_a_thread_under_a_cancelled_scope_is_waited_for(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """Cancelled once, however often anyio says so."""
    go_on = threading.Event()
    journal: list[str] = []

    @lifespan_resource("it", registry=registry)
    def it() -> Iterator[int]:
        try:
            yield 1
        finally:
            assert go_on.wait(60)
            journal.append("-it")

    with anyio.CancelScope() as scope:
        async with it.open():
            scope.cancel()
            asyncio.get_running_loop().call_later(0.05, go_on.set)
            await asyncio.Event().wait()

    assert journal == ["-it"]
    assert caplog.records == []


async def test_a_crash_of_a_peer_does_not_reach_whoever_entered(
    registry: Registry, journal: list[str]
) -> None:
    """The code in the block is not interrupted: the policy says what follows."""
    declare_group(registry, anyio_group, journal)
    lifespan = Lifespan(registry)

    async def child() -> None:
        raise ValueError("of the child")

    async with lifespan as state:
        state["group"](child)
        await until(lifespan, "group", "crashed")
        await asyncio.sleep(0)
        journal.append("still here")

    assert journal == ["+group", "-group", "still here"]


async def test_a_start_that_cancels_itself_is_a_failed_start(
    registry: Registry, probes: Probes
) -> None:
    """Nobody told it to end."""
    probes.add("before")

    @lifespan_resource("it", needs=(probes.resources["before"],), registry=registry)
    async def _it(_: object) -> AsyncGenerator[int]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        yield 1

    with pytest.raises(StartupError) as caught:
        await Lifespan(registry).__aenter__()

    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert_closed(*probes.all())


async def test_a_resource_whose_task_is_cancelled_has_crashed(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """By whoever found it in ``asyncio.all_tasks()``: it is closed, and told."""
    probe = probes.add("it")
    lifespan = Lifespan(registry)

    async with lifespan:
        task: Any = probe.opened[0].runs_in
        task.cancel()
        await until(lifespan, "it", "crashed")
        assert journal == ["+it", "-it"]

    assert_closed(probe)
    (status,) = lifespan.status()
    assert isinstance(status.error, ResourceCrashed)
    assert isinstance(status.error.__cause__, asyncio.CancelledError)


async def crashing(
    registry: Registry, group: Group, unwind: Step, **limits: float
) -> Lifespan:
    """A lifespan, one of whose resources has crashed, and does *unwind* at its end."""
    crash = asyncio.Event()

    async def child() -> None:
        await crash.wait()
        raise ValueError("of the child")

    @lifespan_resource("it", registry=registry, **limits)  # type: ignore[call-overload]
    async def _() -> AsyncGenerator[Spawn]:
        try:
            async with group() as spawn:
                spawn(child)
                yield spawn
        finally:
            await unwind.go()

    lifespan = Lifespan(registry)
    await lifespan.__aenter__()
    crash.set()
    return lifespan


@each_group
async def test_a_crash_that_hangs_is_told_within_the_limit_of_a_stop(
    group: Group, registry: Registry, hang: Hang, caplog: pytest.LogCaptureFixture
) -> None:
    """While the others run: nobody waits for the stop to hear of it."""
    lifespan = await crashing(registry, group, hang, stop_timeout=0.05)

    await until(lifespan, "it", "crashed")
    told = caplog.messages.copy()
    await lifespan.__aexit__(None, None, None)

    assert [line for line in told if "ended while in use" in line]
    assert caplog.messages == told


@each_group
async def test_a_crash_that_ignores_its_cancellation_is_left_alone(
    group: Group,
    registry: Registry,
    stubborn: Stubborn,
    limits: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a stop that does so; it counts as crashed."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    lifespan = await crashing(registry, group, stubborn)

    await until(lifespan, "it", "crashed")
    await lifespan.__aexit__(None, None, None)
    stubborn.release()

    assert [line for line in caplog.messages if "ignores that it was canc" in line]
    assert [line for line in caplog.messages if "ended while in use" in line]


@each_group
async def test_a_stop_is_within_its_budget_though_a_crash_unwinds(
    group: Group, registry: Registry, hang: Hang, limits: Callable[..., None]
) -> None:
    """It waits for that no longer than for a stop."""
    limits(STOP_BUDGET=0.05, STOP_TIMEOUT=3600.0, CANCEL_TIMEOUT=0.05)
    lifespan = await crashing(registry, group, hang)
    await hang.reached()

    await lifespan.__aexit__(None, None, None)

    assert phases(lifespan) == {"it": "crashed"}
