"""Cancellation is a shutdown, whenever it comes and however often."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource

from .probes import (
    SHAPES,
    Hang,
    Probes,
    Raise,
    Step,
    assert_closed,
    assert_order,
    phases,
)

BLOCKING = next(shape for shape in SHAPES if shape.blocking)


class Serving:
    """A lifespan in a task of its own, as a server has it."""

    def __init__(self, registry: Registry) -> None:
        self.lifespan = Lifespan(registry)
        self.started = asyncio.Event()
        self.leaving: Callable[[], Awaitable[object]] | None = None
        self.task = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        async with self.lifespan:
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                if self.leaving is not None:
                    await self.leaving()

    async def end(self) -> None:
        # Retrieves what it raised too, which not every test is about.
        await asyncio.gather(self.task, return_exceptions=True)


async def test_before_the_start_nothing_is_opened(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """The task never began."""
    probes.add("it")
    serving = Serving(registry)

    serving.task.cancel()
    await serving.end()

    assert serving.task.cancelled()
    assert journal == []


@pytest.mark.parametrize("passes", range(12), ids=lambda n: f"after {n} passes")
async def test_at_any_moment_of_the_start_all_is_closed(
    passes: int,
    registry: Registry,
    probes: Probes,
    journal: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whichever task of the start is about to take its first, or its next, step."""

    class Pause(Step):
        async def go(self) -> None:
            await asyncio.sleep(0)

    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    for name, needed in needs.items():
        probes.add(name, *needed, start=Pause(), stop=Pause())
    serving = Serving(registry)

    for _ in range(passes):
        await asyncio.sleep(0)
    serving.task.cancel()
    await serving.end()

    opened = [probe for probe in probes.all() if probe.opened]
    assert serving.task.cancelled()
    assert_closed(*opened)
    names = {probe.name for probe in opened}
    assert_order(journal, {name: needs[name] for name in names})
    assert set(phases(serving.lifespan).values()) <= {"stopped"}
    assert caplog.records == []  # nobody was given up


async def test_before_the_first_step_of_a_resource(
    registry: Registry,
    probes: Probes,
    journal: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its task ends without ever having run; the stop knows of that."""

    class CancelTheLifespan(Step):
        async def go(self) -> None:
            serving.task.cancel()

    probes.add("a", start=CancelTheLifespan())
    probes.add("b", "a")
    serving = Serving(registry)
    await serving.end()

    assert serving.task.cancelled()
    assert journal == ["+a", "-a"]
    assert phases(serving.lifespan) == {"a": "stopped", "b": "stopped"}
    assert caplog.records == []  # nobody was given up


async def test_again_while_it_stops(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """A second Ctrl-C does not cut the stop short."""
    probes.add("a")
    probes.add("b", "a", stop=hang)
    serving = Serving(registry)
    await serving.started.wait()

    serving.task.cancel()
    await hang.reached()
    for _ in range(3):
        serving.task.cancel()
        await asyncio.sleep(0)
    stopping = phases(serving.lifespan)
    hang.release()
    await serving.end()

    assert stopping == {"a": "running", "b": "stopping"}
    assert serving.task.cancelled()
    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_again_while_a_failed_start_is_undone(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """All is closed, then the cancellation is raised."""
    probes.add("a", stop=hang)
    probes.add("b", "a", start=Raise(ValueError("it fails")))
    serving = Serving(registry)
    await hang.reached()

    for _ in range(3):
        serving.task.cancel()
        await asyncio.sleep(0)
    hang.release()
    await serving.end()

    assert serving.task.cancelled()
    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_failure_to_stop_is_logged(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """The cancellation is raised, and the failure is not lost."""
    error = ValueError("it fails")
    probes.add("a", stop=Raise(error))
    serving = Serving(registry)
    await serving.started.wait()

    serving.task.cancel()
    await serving.end()

    with pytest.raises((asyncio.CancelledError, ValueError)):
        serving.task.result()
    assert [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    ] == [("failed to stop 'a'", error)]


async def test_a_failure_to_close_what_still_started_is_logged(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture, hang: Hang
) -> None:
    """Nobody waits for the start any more who could be told."""
    error = OSError("untidy")

    class Untidy(Step):
        async def go(self) -> None:
            try:
                await hang.go()
            except asyncio.CancelledError:
                raise error from None

    probes.add("a", start=Untidy())
    serving = Serving(registry)
    await hang.reached()

    serving.task.cancel()
    await serving.end()

    assert serving.task.cancelled()
    assert [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    ] == [("failed to start 'a' too", error)]


@pytest.mark.parametrize("when", ["start", "run", "stop"])
async def test_a_blocking_resource_is_closed(
    when: str, registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """Its thread cannot be interrupted: it is waited for."""
    steps: dict[str, Any] = {} if when == "run" else {when: hang}
    probes.add("a")
    probes.add("b", "a", shape=BLOCKING, **steps)
    serving = Serving(registry)
    await (serving.started.wait() if when == "run" else started_to(when, serving, hang))

    for _ in range(3):
        serving.task.cancel()
        await asyncio.sleep(0)
    hang.release()
    await serving.end()

    assert serving.task.cancelled()
    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def started_to(when: str, serving: Serving, hang: Hang) -> None:
    """Wait until *hang* is reached."""
    if when == "stop":
        await serving.started.wait()
        serving.task.cancel()
    await hang.reached()


# --- All tasks at once, as asyncio.run() does at its end


def cancel_all(first: asyncio.Task[Any] | None, last: bool) -> None:
    """Cancel every task but this one: *first* before or after the others."""
    tasks = list(asyncio.all_tasks() - {asyncio.current_task()})
    tasks.sort(key=lambda task: (task is not first) ^ last)
    for task in tasks:
        task.cancel()


in_either_order = pytest.mark.parametrize(
    "lifespan_last", [False, True], ids=["lifespan first", "resources first"]
)


@in_either_order
async def test_of_all_tasks_at_once_keeps_the_order_of_the_stop(
    lifespan_last: bool,
    registry: Registry,
    probes: Probes,
    journal: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The resources wait to be told, each as ever by those that need it."""
    probes.add_chain("a", "b", "c", "d")
    serving = Serving(registry)
    await serving.started.wait()

    cancel_all(serving.task, lifespan_last)
    await serving.end()

    assert serving.task.cancelled()
    assert journal == ["+a", "+b", "+c", "+d", "-d", "-c", "-b", "-a"]
    assert_closed(*probes.all())
    assert caplog.records == []
    assert set(phases(serving.lifespan).values()) == {"stopped"}


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="a task does not tell that it was cancelled"
)
@in_either_order
async def test_of_all_tasks_at_once_while_the_server_takes_its_time(
    lifespan_last: bool, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """The lifespan is left later: the resources run until then."""

    async def leave() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        journal.append(str(phases(serving.lifespan)))

    probes.add_chain("a", "b")
    serving = Serving(registry)
    serving.leaving = leave
    await serving.started.wait()

    cancel_all(serving.task, lifespan_last)
    await serving.end()

    running = str({"a": "running", "b": "running"})
    assert journal == ["+a", "+b", running, "-b", "-a"]
    assert_closed(*probes.all())


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="a task does not tell that it was cancelled"
)
async def test_of_all_tasks_at_once_is_forgotten_when_a_resource_stops(
    registry: Registry,
) -> None:
    """Its stop is not cancelled: a time limit or a task group in it works."""
    counts: list[int] = []

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        task: Any = asyncio.current_task()
        yield 1
        counts.append(task.cancelling())

    serving = Serving(registry)
    await serving.started.wait()

    cancel_all(serving.task, last=True)
    await serving.end()

    assert counts == [0]


@in_either_order
async def test_of_all_tasks_at_once_while_it_starts(
    lifespan_last: bool,
    registry: Registry,
    probes: Probes,
    journal: list[str],
    hang: Hang,
) -> None:
    """What starts is cut off, what runs is stopped in order."""
    probes.add_chain("a", "b")
    probes.add("c", "b", start=hang)
    probes.add("d", "c")
    serving = Serving(registry)
    await hang.reached()

    cancel_all(serving.task, lifespan_last)
    await serving.end()

    assert serving.task.cancelled()
    assert journal == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert_closed(*(probes[name] for name in "abc"))


@pytest.mark.parametrize("passes", range(8), ids=lambda n: f"after {n} passes")
@in_either_order
async def test_of_all_tasks_at_once_at_any_moment_of_the_start(
    lifespan_last: bool,
    passes: int,
    registry: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also of those that have not taken their first step."""
    probes.add_chain("a", "b", "c")
    serving = Serving(registry)

    for _ in range(passes):
        await asyncio.sleep(0)
    cancel_all(serving.task, lifespan_last)
    await serving.end()

    assert serving.task.cancelled()
    assert_closed(*(probe for probe in probes.all() if probe.opened))
    assert not [r for r in caplog.records if "ignores" in r.getMessage()]


@in_either_order
async def test_of_all_tasks_at_once_while_it_stops(
    lifespan_last: bool,
    registry: Registry,
    probes: Probes,
    journal: list[str],
    hang: Hang,
) -> None:
    """The stop that is under way is cut off; those after it keep their order."""
    probes.add_chain("a", "b")
    probes.add("c", "b", stop=hang)
    serving = Serving(registry)
    await serving.started.wait()
    serving.task.cancel()
    await hang.reached()

    cancel_all(serving.task, lifespan_last)
    await serving.end()

    assert serving.task.cancelled()
    assert journal == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert_closed(*probes.all())
    assert phases(serving.lifespan) == {"a": "stopped", "b": "stopped", "c": "failed"}


async def test_of_all_tasks_at_once_twice(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """Those that wait to be told are cancelled again, and wait on."""

    probes.add_chain("a", "b", "c")
    probes["c"].stop = hang
    serving = Serving(registry)
    await serving.started.wait()

    cancel_all(serving.task, last=True)
    await hang.reached()
    cancel_all(serving.task, last=True)
    await serving.end()

    assert journal == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert_closed(*probes.all())


def test_the_end_of_asyncio_run_is_a_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    """A main that ends while a lifespan runs in another task of its loop."""
    caplog.set_level(logging.WARNING)
    journal: list[str] = []
    registry = Registry()
    probes = Probes(registry, journal)
    probes.add_chain("a", "b", "c")
    probes.add("blocking", "b", shape=BLOCKING)
    kept: list[Serving] = []

    async def main() -> None:
        kept.append(Serving(registry))
        await kept[0].started.wait()

    asyncio.run(main())

    assert_order(journal, {"b": ("a",), "c": ("b",), "blocking": ("b",)})
    assert_closed(*probes.all())
    assert caplog.records == []


def test_an_interrupted_asyncio_run_is_a_shutdown() -> None:
    """Main itself holds the lifespan, and fails."""
    journal: list[str] = []
    registry = Registry()
    probes = Probes(registry, journal)
    probes.add_chain("a", "b")

    async def main() -> None:
        async with Lifespan(registry):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())

    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_resource_may_be_left_by_another_task(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Fixtures are entered in one task and left in another; resources never are."""
    probes.add_chain("a", "b")
    lifespan = Lifespan(registry)

    await asyncio.ensure_future(lifespan.__aenter__())
    await asyncio.ensure_future(lifespan.__aexit__(None, None, None))

    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_of_whoever_uses_a_value_is_none_of_the_resource(
    registry: Registry, journal: list[str]
) -> None:
    """A request that is cancelled leaves the resource as it is."""

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[asyncio.Event]:
        yield asyncio.Event()
        journal.append("-it")

    lifespan = Lifespan(registry)
    async with lifespan as state:
        request = asyncio.ensure_future(state["it"].wait())
        await asyncio.sleep(0)
        request.cancel()
        await asyncio.wait({request})
        assert phases(lifespan) == {"it": "running"}

    assert journal == ["-it"]
