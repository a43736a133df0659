"""Health checks of every kind: what they say, and what they may not do."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._runtime.health import Unhealthy

from .health_checks import Check, Counted, declare, one
from .probes import Hang, Probes, lifespan_threads

# --- What is healthy


async def async_check(value: str) -> None:
    assert value == "db"


def sync_check(value: str) -> None:
    assert value == "db"
    assert threading.current_thread() is not threading.main_thread()


class Client:
    async def ping(self, value: str) -> str:
        return value

    def ping_blocking(self, value: str) -> str:
        return value

    async def __call__(self, value: str) -> None:
        assert value == "db"


@pytest.mark.parametrize(
    "check",
    [
        async_check,
        sync_check,
        pytest.param(lambda value: value == "db", id="lambda"),
        pytest.param(lambda value: async_check(value), id="lambda that is awaitable"),
        pytest.param(Client().ping, id="async method"),
        pytest.param(Client().ping_blocking, id="method"),
        pytest.param(Client(), id="instance"),
        pytest.param(functools.partial(async_check), id="partial"),
        pytest.param(str.upper, id="written in C"),
        pytest.param(lambda _: None, id="returns None"),
        pytest.param(lambda _: 0, id="returns 0"),
        pytest.param(lambda _: "", id="returns nothing much"),
    ],
)
async def test_healthy_is_what_returns(check: Check, registry: Registry) -> None:
    """Anything but False, sync or async, is a pass."""
    declare(registry, check)
    before = datetime.now(timezone.utc)

    lifespan = Lifespan(registry)

    async with lifespan:
        record = await one(lifespan)

    assert record.error is None
    assert (record.name, record.verdict, record.phase) == ("db", "pass", "running")
    assert not record.optional
    assert record.seconds is not None
    assert record.seconds >= 0
    assert before <= record.checked_at <= datetime.now(timezone.utc)


# --- What is not


def _raises(error: BaseException) -> list[Any]:
    def sync_check(_: object) -> None:
        raise error

    async def async_check(_: object) -> None:
        raise error

    kind = type(error).__name__
    return [
        pytest.param(sync_check, type(error), id=f"sync, {kind}"),
        pytest.param(async_check, type(error), id=f"async, {kind}"),
    ]


async def false(_: object) -> bool:
    return False


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        *_raises(OSError("no route")),
        *_raises(SystemExit(3)),
        *_raises(KeyboardInterrupt()),
        *_raises(asyncio.CancelledError()),
        *_raises(GeneratorExit()),
        pytest.param(lambda _: False, Unhealthy, id="sync, False"),
        pytest.param(false, Unhealthy, id="async, False"),
    ],
)
async def test_unhealthy_is_what_raises_or_returns_false(
    check: Check, kind: type[BaseException], registry: Registry
) -> None:
    """Whatever a check raises is said of its resource, and ends nothing else."""
    declare(registry, check)
    declare(registry, async_check_of_other, "other")
    lifespan = Lifespan(registry)

    async with lifespan:
        db, other = await lifespan.health()

    assert (db.verdict, db.phase, type(db.error)) == ("fail", "running", kind)
    assert (other.verdict, other.error) == ("pass", None)


async def async_check_of_other(value: str) -> None:
    assert value == "other"


async def test_false_is_explained(registry: Registry) -> None:
    """The error says what the check did."""
    declare(registry, lambda _: False)
    lifespan = Lifespan(registry)

    async with lifespan:
        record = await one(lifespan)

    assert str(record.error) == "the health check of 'db' returned False"


async def test_without_a_check_the_phase_speaks(
    registry: Registry, probes: Probes
) -> None:
    """What runs passes, and took no time to be asked."""
    probes.add("db")
    lifespan = Lifespan(registry)

    async with lifespan:
        record = await one(lifespan)

    assert (record.verdict, record.seconds, record.error) == ("pass", None, None)


# --- How often


async def test_a_hundred_probes_make_one_check(registry: Registry) -> None:
    """Who asks while a check is being made waits for that one."""
    check = Counted()
    declare(registry, check)
    lifespan = Lifespan(registry)

    async with lifespan:
        asking = [asyncio.create_task(one(lifespan)) for _ in range(100)]
        await check.began.wait()
        check.may_end.set()
        records = await asyncio.gather(*asking)

    assert check.times == 1
    assert {record.verdict for record in records} == {"pass"}
    assert len({record.checked_at for record in records}) == 1


async def test_who_asked_first_may_go_away(registry: Registry) -> None:
    """The others get what that one's check has found."""
    check = Counted()
    declare(registry, check)
    lifespan = Lifespan(registry)

    async with lifespan:
        first = asyncio.create_task(one(lifespan))
        await check.began.wait()
        second = asyncio.create_task(one(lifespan))
        first.cancel()
        await asyncio.wait({first})
        check.may_end.set()
        record = await second

    assert first.cancelled()
    assert (check.times, record.verdict) == (1, "pass")


@pytest.mark.parametrize(
    ("seconds", "times"), [(float("inf"), 1), (1e-300, 3)], ids=["cached", "not cached"]
)
async def test_results_are_given_again(
    seconds: float, times: int, registry: Registry, limits: Callable[..., None]
) -> None:
    """For as long as the setting says."""
    limits(HEALTH_CACHE=seconds)
    check = Counted()
    check.may_end.set()
    declare(registry, check)
    lifespan = Lifespan(registry)

    async with lifespan:
        for _ in range(3):
            await lifespan.health()

    assert check.times == times


async def test_a_crash_does_not_wait_for_the_cache(
    registry: Registry, limits: Callable[..., None]
) -> None:
    """Phases are as they are now, whatever a check has found before."""
    limits(HEALTH_CACHE=float("inf"))
    is_dead = asyncio.Event()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[Callable[[], None]]:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: is_dead.set())
        yield task.cancel

    db.health(lambda _: True)
    lifespan = Lifespan(registry)
    async with lifespan as state:
        before = await one(lifespan)
        state["db"]()
        await is_dead.wait()
        after = await one(lifespan)

    assert (before.verdict, before.phase) == ("pass", "running")
    assert (after.verdict, after.phase, after.seconds) == ("fail", "crashed", None)
    assert type(after.error).__name__ == "ResourceCrashed"


async def test_checks_are_made_concurrently(registry: Registry) -> None:
    """Each here waits for the other, in the loop or in a thread."""
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
    lifespan = Lifespan(registry)

    async with lifespan:
        records = await lifespan.health()

    assert [record.verdict for record in records] == ["pass", "pass"]


# --- What hangs


async def _async_hang(hang: Hang, _: object) -> None:
    while True:
        try:
            await hang.go()
        except asyncio.CancelledError:
            continue  # it does not let itself be cancelled
        return


def _sync_hang(hang: Hang, _: object) -> None:
    hang.block()


async def until_forgotten(lifespan: Lifespan) -> None:
    """Return when no check is being made."""
    checks: Any = lifespan._checks
    while checks._open:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", [_async_hang, _sync_hang], ids=["async", "sync"])
async def test_a_check_that_hangs_is_not_made_again(
    kind: Callable[[Hang, object], Any],
    registry: Registry,
    limits: Callable[..., None],
) -> None:
    """However many ask, one task or one thread hangs; once it ends, all is well."""
    limits(HEALTH_TIMEOUT=0.01, HEALTH_CACHE=1e-300)
    hang = Hang()
    declare(registry, functools.partial(kind, hang))
    lifespan = Lifespan(registry)

    async with lifespan:
        first = await one(lifespan)
        await hang.reached()
        tasks, threads = len(asyncio.all_tasks()), len(lifespan_threads())
        later = [await one(lifespan) for _ in range(5)]
        tasks_later, threads_later = len(asyncio.all_tasks()), len(lifespan_threads())
        hang.release()
        await until_forgotten(lifespan)
        # The limit is short for a busy machine.
        while (last := await one(lifespan)).verdict != "pass":
            await until_forgotten(lifespan)

    assert [type(record.error) for record in (first, *later)] == [TimeoutError] * 6
    assert str(first.error) == (
        "the health check of 'db' took longer than 0.01 s\n"
        'If it needs longer, write LIFESPAN["HEALTH_TIMEOUT"] (seconds).'
    )
    assert {str(record.error) for record in later} == {
        "the health check of 'db' before this one hangs still"
    }
    assert {record.seconds for record in later} == {None}  # none was made
    assert (tasks, threads) == (tasks_later, threads_later)
    assert threads == (1 if kind is _sync_hang else 0)
    assert last.verdict == "pass"


async def test_a_late_check_is_cancelled(
    registry: Registry, limits: Callable[..., None]
) -> None:
    """And the others' results do not wait longer than that."""
    limits(HEALTH_TIMEOUT=0.01)
    hang = Hang()
    was_cancelled = asyncio.Event()

    async def _late(_: object) -> None:
        try:
            await hang.go()
        finally:
            was_cancelled.set()

    declare(registry, _late)
    declare(registry, async_check_of_other, "other")
    lifespan = Lifespan(registry)

    async with lifespan:
        db, other = await lifespan.health()
        await was_cancelled.wait()

    assert (db.verdict, type(db.error)) == ("fail", TimeoutError)
    assert other.verdict == "pass"


async def test_no_limit_is_none(
    registry: Registry, limits: Callable[..., None]
) -> None:
    """``inf`` is as good as any number."""
    limits(HEALTH_TIMEOUT=float("inf"), CANCEL_TIMEOUT=float("inf"))
    declare(registry, async_check)
    lifespan = Lifespan(registry)

    async with lifespan:
        record = await one(lifespan)

    assert record.verdict == "pass"
