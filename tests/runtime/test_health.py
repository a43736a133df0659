"""Health checks: their results, cache, time limit and end."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timezone

import pytest

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed._runtime.health import Unhealthy
from django_lifespan_typed.exceptions import ResourceCrashed

from .health_checks import Check, Counted, declare, one
from .probes import (
    Hang,
    Interrupted,
    Limits,
    Probes,
    Stubborn,
    lifespan_threads,
)


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


async def test_a_late_check_is_cancelled(registry: Registry, limits: Limits) -> None:
    """The results of the other checks do not wait for it."""
    limits(HEALTH_TIMEOUT=0.01)
    is_cancelled = asyncio.Event()

    async def late(_: object) -> None:
        await Interrupted().go()
        is_cancelled.set()

    declare(registry, late)
    declare(registry, async_check, "other")

    async with (lifespan := Lifespan(registry)):
        db, other = await lifespan.health()
        await is_cancelled.wait()

    assert (db.verdict, type(db.error)) == ("fail", TimeoutError)
    assert other.verdict == "pass"


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


# --- The shutdown


async def test_the_shutdown_waits_for_a_check_in_a_thread(
    probes: Probes, hang: Hang, limits: Limits
) -> None:
    """The check still uses the value."""
    limits(CANCEL_TIMEOUT=60)
    probes.add("db")

    @probes.resources["db"].health
    def _check(_: object) -> None:
        hang.block()
        probes.journal.append("checked")

    async with (lifespan := probes.lifespan()):
        asking = asyncio.create_task(one(lifespan))
        await hang.reached()
        asking.add_done_callback(lambda _: hang.release())
    await asking

    assert probes.journal == ["+db", "checked", "-db"]
