"""Health checks: their results, cache, time limit, threads and log."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db.backends.signals import connection_created

from django_lifespan_typed import Lifespan, Registry, Resource, lifespan_resource
from django_lifespan_typed._runtime.health import ResourceHealth, Unhealthy
from django_lifespan_typed.exceptions import LifespanNotRunning, ResourceCrashed
from django_lifespan_typed.testing import override_state

from .probes import Limits, Log, Probes, Stubborn, lifespan_threads, logged_errors

Check = Callable[[Any], Any]


def declare(registry: Registry, check: Check, name: str = "db") -> Resource[Any]:
    """Register a resource with this health check; its value is its name."""

    @lifespan_resource(name, registry=registry)
    async def resource() -> str:
        return name

    resource.health(check)
    return resource


async def one(lifespan: Lifespan) -> ResourceHealth:
    """Return the record of the only resource."""
    (record,) = await lifespan.health()
    return record


async def async_check(value: str) -> None:
    assert value in {"db", "other"}


def sync_check(value: str) -> None:
    assert value == "db"
    assert threading.current_thread() is not threading.main_thread()


# --- Results


@pytest.mark.parametrize(
    "check",
    [
        async_check,
        sync_check,
        pytest.param(lambda value: async_check(value), id="lambda that is awaitable"),
        pytest.param(str.upper, id="written in C"),
        pytest.param(lambda _: 0, id="returns 0"),
    ],
)
async def test_a_check_that_returns_passes(check: Check, registry: Registry) -> None:
    """Unless it returns False."""
    declare(registry, check)
    before = datetime.now(timezone.utc)

    async with (lifespan := Lifespan(registry)):
        record = await one(lifespan)

    assert (record.name, record.verdict, record.phase) == ("db", "pass", "running")
    assert (record.error, record.optional) == (None, False)
    assert record.seconds is not None
    assert before <= record.checked_at <= datetime.now(timezone.utc)


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (OSError("no route"), OSError),
        (SystemExit(3), SystemExit),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (asyncio.CancelledError(), asyncio.CancelledError),
        (False, Unhealthy),
    ],
    ids=repr,
)
async def test_a_check_that_raises_or_returns_false_fails(
    outcome: object, kind: type[BaseException], is_async: bool, registry: Registry
) -> None:
    """Its exception ends nothing else."""

    def check(_: object) -> object:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def check_async(value: object) -> object:
        return check(value)

    declare(registry, check_async if is_async else check)
    declare(registry, async_check, "other")

    async with (lifespan := Lifespan(registry)):
        db, other = await lifespan.health()

    assert (db.verdict, db.phase, type(db.error)) == ("fail", "running", kind)
    assert (other.verdict, other.error) == ("pass", None)


async def test_checks_run_concurrently(registry: Registry) -> None:
    """Each waits for the other, one on the loop and one in a thread."""
    here, there = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def _async(_: object) -> None:
        there.set()
        await here.wait()

    def _sync(_: object) -> None:
        assert there.wait(60)
        loop.call_soon_threadsafe(here.set)

    declare(registry, _sync, "sync")
    declare(registry, _async, "async")

    async with (lifespan := Lifespan(registry)):
        records = await lifespan.health()

    assert [record.verdict for record in records] == ["pass", "pass"]


# --- The cache


class Counted:
    """A health check that is counted, and waits until it may end."""

    def __init__(self) -> None:
        self.times = 0
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.times += 1
        self.began.set()
        await self.may_end.wait()


async def test_concurrent_callers_share_a_check(registry: Registry) -> None:
    """The first caller may be cancelled: the others still get the result."""
    check = Counted()
    declare(registry, check)

    async with (lifespan := Lifespan(registry)):
        first, *others = [asyncio.create_task(one(lifespan)) for _ in range(100)]
        await check.began.wait()
        first.cancel()
        await asyncio.wait({first})
        check.may_end.set()
        records = await asyncio.gather(*others)

    assert first.cancelled()
    assert check.times == 1
    assert {record.verdict for record in records} == {"pass"}
    assert len({record.checked_at for record in records}) == 1


@pytest.mark.parametrize(("seconds", "times"), [(float("inf"), 1), (1e-300, 3)])
async def test_results_are_cached_as_long_as_the_setting_says(
    seconds: float, times: int, registry: Registry, limits: Limits
) -> None:
    limits(HEALTH_CACHE=seconds)
    check = Counted()
    check.may_end.set()
    declare(registry, check)

    async with (lifespan := Lifespan(registry)):
        for _ in range(3):
            await lifespan.health()

    assert check.times == times


async def test_a_crash_shows_in_spite_of_the_cache(
    probes: Probes, limits: Limits
) -> None:
    limits(HEALTH_CACHE=float("inf"))
    probes.add("db")
    probes.resources["db"].health(lambda _: True)

    async with (lifespan := probes.lifespan()):
        before = await one(lifespan)
        await probes.crash("db")
        after = await one(lifespan)

    assert (before.verdict, before.phase) == ("pass", "running")
    assert (after.verdict, after.phase, after.seconds) == ("fail", "crashed", None)
    assert isinstance(after.error, ResourceCrashed)


# --- The time limit


def running_checks() -> int:
    """Return the number of tasks and threads that run a check."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    tasks = [name for name in names if name.startswith("health ")]
    return len(tasks) + len(lifespan_threads())


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_check_that_hangs_is_not_repeated(
    kind: str, registry: Registry, limits: Limits
) -> None:
    """One task or thread hangs, however many callers there are."""
    limits(HEALTH_TIMEOUT=0.01, HEALTH_CACHE=1e-300)
    hang = Stubborn()

    async def go(_: object) -> None:
        await hang.go()

    declare(registry, go if kind == "async" else lambda _: hang.block())

    async with (lifespan := Lifespan(registry)):
        first = await one(lifespan)
        await hang.reached()
        running = running_checks()
        later = [await one(lifespan) for _ in range(5)]
        running_later = running_checks()
        hang.release()
        # The limit may be too short on a busy machine.
        while (await one(lifespan)).verdict != "pass":  # noqa: ASYNC110
            await asyncio.sleep(0)

    assert {type(record.error) for record in (first, *later)} == {TimeoutError}
    assert {record.seconds for record in later} == {None}  # none was made
    assert running == running_later


# --- Which are checked, and what is logged


async def test_a_resource_overridden_before_the_startup_is_not_checked(
    registry: Registry,
) -> None:
    resource = declare(registry, str.upper)

    with override_state(resource, "a fake"):
        async with (lifespan := Lifespan(registry)):
            assert await lifespan.health() == ()


async def test_only_a_lifespan_that_runs_on_this_loop_is_checked(
    registry: Registry,
) -> None:
    lifespan = Lifespan(registry)

    with pytest.raises(LifespanNotRunning, match="call"):
        await lifespan.health()
    async with lifespan:
        with pytest.raises(LifespanNotRunning, match="on this event loop"):
            await asyncio.to_thread(asyncio.run, lifespan.health())
    with pytest.raises(LifespanNotRunning):
        await lifespan.health()


async def test_a_failing_check_is_logged_once_until_it_passes(
    registry: Registry, limits: Limits, caplog: Log
) -> None:
    limits(HEALTH_CACHE=1e-300)
    caplog.set_level("INFO", "django_lifespan_typed")
    lost = OSError("no route")
    is_lost = False

    async def check(_: object) -> None:
        if is_lost:
            raise lost

    declare(registry, check)
    async with (lifespan := Lifespan(registry)):
        caplog.clear()
        for is_lost in (False, True, True, False, False):  # noqa: B007 - its closure
            await lifespan.health()
        levels = [record.levelname for record in caplog.records]
        errors = logged_errors(caplog)

    assert levels == ["WARNING", "INFO"]
    assert errors == [lost]


async def test_a_check_does_not_wait_for_djangos_shared_thread(
    registry: Registry, limits: Limits
) -> None:
    """The thread may be busy; closing connections in it can wait."""
    limits(HEALTH_CACHE=1e-300)
    is_busy, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        is_busy.set()
        assert go_on.wait(60)

    class Connection:
        pass

    async def check(_: object) -> bool:
        # As a request in a thread of its own opens one.
        opened = Connection()
        await asyncio.to_thread(connection_created.send, Connection, connection=opened)
        return False

    declare(registry, check)
    holding = asyncio.ensure_future(sync_to_async(hold)())
    assert await asyncio.to_thread(is_busy.wait, 60)
    async with (lifespan := Lifespan(registry)):
        verdicts = [(await one(lifespan)).verdict for _ in range(3)]
        was_busy = not holding.done()
        go_on.set()
    await holding

    assert (verdicts, was_busy) == (["fail"] * 3, True)
