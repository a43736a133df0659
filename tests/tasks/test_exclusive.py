"""A task with a lock runs in one process at a time; the others are on standby."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed._tasks import supervisor
from django_lifespan_typed.exceptions import InvalidDeclaration, ShutdownTimeout
from tests.journaling import Add, add
from tests.runtime.probes import Limits, Log, logged_errors

from .engine import Engine
from .test_supervision import serve
from .works import (
    Declare,
    Stubborn,
    Work,
    cancel_all,
    forever,
    in_virtual_time,
    lasts,
    now,
    raises,
    returns,
    turns,
    unwinds,
)

__all__ = ["add"]

AGAIN = supervisor.STANDBY_INTERVAL
"""Seconds from one attempt to the next; tests have no jitter."""


# --- Acquisition


@in_virtual_time
async def test_one_of_two_processes_runs_the_task(
    task: Declare, engine: Engine
) -> None:
    """The other takes over once the first has shut down."""
    first, second = Work(forever), Work(forever)
    registries = [Registry(), Registry()]
    made = [
        task("feed", work, registry=registry, exclusive=engine.lock())
        for work, registry in zip((first, second), registries, strict=True)
    ]

    async with serve(registries[0]) as holder:
        await turns()
        async with serve(registries[1]) as other:
            await asyncio.sleep(3 * AGAIN)
            phases = holder[made[0]].phase, other[made[1]].phase
            before = len(second.began)
            await asyncio.sleep(1)

    assert phases == ("running", "standby")
    assert (before, len(first.began)) == (0, 1)
    assert engine.holders == {}


@in_virtual_time
async def test_standby_ends_when_the_lock_is_free(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    work = Work(forever)
    made = task("feed", work, exclusive=engine.lock())
    engine.holders["feed"] = asyncio.Event()

    async with serve(registry) as state:
        await asyncio.sleep(2.5 * AGAIN)
        waiting = state[made].phase
        del engine.holders["feed"]
        await asyncio.sleep(AGAIN)

        assert (waiting, state[made].phase) == ("standby", "running")
        assert work.began == [3 * AGAIN]
        assert state[made].restarts == 0


@pytest.mark.parametrize("part", [0.8, 1.2])
@in_virtual_time
async def test_attempts_vary_by_a_fifth(
    part: float,
    registry: Registry,
    task: Declare,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "uniform", lambda *_: part)
    task("feed", Work(forever), exclusive=engine.lock())
    engine.holders["feed"] = asyncio.Event()

    async with serve(registry):
        await asyncio.sleep(3 * AGAIN)

    first, second, *_ = engine.attempts
    assert second - first == pytest.approx(part * AGAIN)


@in_virtual_time
async def test_the_lock_has_the_name_of_the_task_or_its_own(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    task("feed", Work(forever), exclusive=engine.lock())
    task("rates", Work(forever), exclusive=engine.lock("currencies"))

    async with serve(registry):
        await turns()
        assert set(engine.holders) == {"feed", "currencies"}

    assert engine.holders == {}


@in_virtual_time
async def test_needs_of_the_lock_are_dependencies(
    registry: Registry, journal: list[str], add: Add, task: Declare, engine: Engine
) -> None:
    """The function is not given them."""
    db, redis = add("db"), add("redis")
    work = Work(forever, journal=journal)
    task("work", work, needs=(db,), exclusive=engine.lock(needs=(redis,)))

    async with (lifespan := serve(registry)):
        await turns()
        needs = {each.name: each.needs for each in lifespan.status()}

    assert needs["work"] == ("db", "redis")
    assert (work.given, engine.given) == ([("db()",)], [("redis()",)])
    assert set(journal[:2]) == {"+db", "+redis"}
    assert journal[2:4] == ["+work", "-work"]


@in_virtual_time
async def test_the_startup_does_not_wait_for_a_lock(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    engine.seconds["acquire"] = 60
    work = Work(forever)
    made = task("work", work, exclusive=engine.lock())

    async with serve(registry) as state:
        began = now()
        await asyncio.sleep(30)
        waiting = state[made].phase
        await asyncio.sleep(60)

    assert (began, waiting, work.began) == (0, "standby", [60])


# --- Loss


@in_virtual_time
async def test_a_lost_lock_cancels_the_run(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    """The task is then on standby, and runs again once it has the lock."""
    error = ConnectionError("the connection is gone")
    work = Work(forever)
    made = task("feed", work, exclusive=engine.lock())

    async with serve(registry) as state:
        await asyncio.sleep(60)
        engine.lose("feed", error)
        await turns()
        lost = state[made].phase, work.is_running, dict(engine.holders)
        await asyncio.sleep(2 * AGAIN)

        assert lost == ("standby", False, {})
        assert state[made].phase == "running"
    assert work.began == [0, 60 + AGAIN]
    assert logged_errors(caplog) == [error]
    assert "'feed' has lost its lock" in caplog.text


@in_virtual_time
async def test_a_lock_that_is_lost_without_an_error_is_logged(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    task("feed", Work(forever), exclusive=engine.lock())

    async with serve(registry):
        await turns()
        engine.lose("feed")
        await turns()

    assert logged_errors(caplog) == [None]


@in_virtual_time
async def test_a_lost_lock_is_logged_before_its_run_has_ended(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    """A run that ignores its cancellation overlaps the next holder's."""
    stubborn = Stubborn()
    made = task("feed", Work(stubborn), exclusive=engine.lock())

    async with serve(registry) as state:
        await turns()
        engine.lose("feed")
        await turns()

        assert state[made].phase == "running"
        assert "'feed' has lost its lock" in caplog.text
        await stubborn.release()
        assert state[made].phase == "standby"


@pytest.mark.parametrize("options", [{"every": 3600}, {"backoff": (3600, 3600)}])
@in_virtual_time
async def test_a_lock_may_be_lost_between_two_runs(
    options: dict[str, Any], registry: Registry, task: Declare, engine: Engine
) -> None:
    work = Work(returns if "every" in options else raises(OSError()))
    made = task("feed", work, exclusive=engine.lock(), **options)

    async with serve(registry) as state:
        await turns()
        waiting = state[made].phase
        engine.lose("feed")
        await turns()
        lost = state[made].phase
        await asyncio.sleep(AGAIN + 1)

        assert (waiting, lost, state[made].phase) == ("waiting", "standby", "waiting")
        assert state[made].restarts == 0
    assert work.began == [0, AGAIN]


@in_virtual_time
async def test_an_error_after_the_loss_is_logged(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    error = OSError("not saved")
    task("feed", Work(unwinds(raises(error))), exclusive=engine.lock())

    async with serve(registry):
        await turns()
        engine.lose("feed")
        await turns()

    assert logged_errors(caplog) == [None, error]


# --- Errors of the engine


@in_virtual_time
async def test_errors_of_the_engine_are_logged_until_they_repeat(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    away, denied = ConnectionError("away"), PermissionError("denied")
    work = Work(forever)
    made = task("feed", work, exclusive=engine.lock())
    engine.failures["acquire"] = away

    async with (lifespan := serve(registry)) as state:
        await asyncio.sleep(3.5 * AGAIN)
        engine.failures["acquire"] = denied
        await asyncio.sleep(3 * AGAIN)
        engine.failures["acquire"] = away
        await asyncio.sleep(2 * AGAIN)
        (status,) = lifespan.status()
        del engine.failures["acquire"]
        await asyncio.sleep(AGAIN)

        assert status.phase == "running"
        assert status.task is not None
        assert (status.task.phase, status.task.last_error) == ("standby", away)
        assert state[made].phase == "running"
    assert logged_errors(caplog) == [away, denied, away]
    assert "the lock of lifespan task 'feed' failed" in caplog.text


@in_virtual_time
async def test_an_error_is_logged_again_after_a_success(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    error = ConnectionError("away")
    task("feed", Work(forever), exclusive=engine.lock())
    engine.failures["acquire"] = error

    async with serve(registry):
        await turns()
        engine.failures.clear()
        await asyncio.sleep(AGAIN)
        engine.lose("feed")
        engine.failures["acquire"] = error
        await asyncio.sleep(2 * AGAIN)

    assert logged_errors(caplog) == [error, None, error]


@in_virtual_time
async def test_a_lock_that_cannot_work_is_a_crash(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    """DatabaseLock on SQLite: trying again would not help, and readiness shows it."""
    error = InvalidDeclaration("no such locks", None, "Write FileLock().")
    work = Work(forever)
    made = task("feed", work, exclusive=engine.lock())
    engine.failures["acquire"] = error

    async with (lifespan := serve(registry)) as state:
        await turns()
        (health,) = await lifespan.health()

        assert (state[made].phase, health.verdict) == ("crashed", "fail")
        assert state[made].last_error is error
    assert len(logged_errors(caplog)) == 1
    assert "Write FileLock()." in caplog.text
    assert work.began == []


# --- The end


@in_virtual_time
async def test_a_finished_task_keeps_its_lock(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    """Otherwise another process would run it next."""
    work = Work(returns)
    made = task("feed", work, exclusive=engine.lock())

    async with serve(registry) as state:
        await asyncio.sleep(10 * AGAIN)

        assert (state[made].phase, set(engine.holders)) == ("finished", {"feed"})
    assert engine.holders == {}
    assert work.began == [0]


@in_virtual_time
async def test_a_finished_task_stays_finished_without_its_lock(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    work = Work(returns)
    made = task("feed", work, exclusive=engine.lock())

    async with serve(registry) as state:
        await turns()
        engine.lose("feed")
        await asyncio.sleep(3 * AGAIN)

        assert state[made].phase == "finished"
    assert work.began == [0]


@in_virtual_time
async def test_a_crash_releases_the_lock(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    made = task(
        "feed", Work(raises(OSError())), exclusive=engine.lock(), restart="never"
    )

    async with (lifespan := serve(registry)) as state:
        await turns()
        (status,) = lifespan.status()

        assert (state[made].phase, status.phase) == ("crashed", "crashed")
        assert (engine.holders, engine.open) == ({}, 0)
        await asyncio.sleep(3 * AGAIN)
    assert len(engine.attempts) == 1


@in_virtual_time
async def test_the_lock_is_released_after_the_clean_up_of_the_run(
    registry: Registry, task: Declare, engine: Engine
) -> None:
    held: list[bool] = []

    async def clean_up() -> None:
        await asyncio.sleep(3)
        held.append("feed" in engine.holders)

    task("feed", Work(unwinds(clean_up)), exclusive=engine.lock())

    async with serve(registry):
        await turns()

    assert (held, engine.holders, now()) == ([True], {}, 3)


@in_virtual_time
async def test_an_abandoned_run_does_not_keep_the_lock(
    registry: Registry, task: Declare, engine: Engine, limits: Limits
) -> None:
    """Its process is about to end; another one may take over."""
    limits(CANCEL_TIMEOUT=1)
    stubborn = Stubborn()
    task("feed", Work(stubborn), exclusive=engine.lock(), stop_timeout=4)

    with pytest.raises(ShutdownTimeout):
        async with serve(registry):
            await turns()
            asyncio.get_running_loop().call_later(4.5, check_held, engine)
    await turns()

    assert (now(), engine.holders, engine.open) == (5, {}, 0)
    await stubborn.release()


def check_held(engine: Engine) -> None:
    assert set(engine.holders) == {"feed"}


@in_virtual_time
async def test_an_abandoned_run_that_had_lost_its_lock_ends_the_shutdown(
    registry: Registry, task: Declare, engine: Engine, limits: Limits
) -> None:
    limits(CANCEL_TIMEOUT=1)
    stubborn = Stubborn()
    task("feed", Work(stubborn), exclusive=engine.lock(), stop_timeout=4)

    with pytest.raises(ShutdownTimeout):
        async with serve(registry):
            await turns()
            engine.lose("feed")
            await turns()
    await turns()

    assert (now(), engine.holders, engine.open) == (5, {}, 0)
    await stubborn.release()


@in_virtual_time
async def test_an_engine_that_fails_at_release_does_not_keep_the_task_alive(
    registry: Registry, task: Declare, engine: Engine, caplog: Log
) -> None:
    """Its error has replaced the cancellation."""
    error = ConnectionError("gone")
    work = Work(forever)
    task("feed", work, exclusive=engine.lock())
    engine.failures["release"] = error

    async with serve(registry):
        await turns()

    assert (now(), len(work.began), len(engine.attempts)) == (0, 1, 1)
    assert logged_errors(caplog) == [error]


# --- Cancellation at each await


@pytest.mark.parametrize("is_all", [False, True], ids=["shutdown", "Ctrl-C"])
@pytest.mark.parametrize("is_lost", [False, True])
@in_virtual_time
async def test_nothing_is_left_whenever_the_shutdown_comes(
    is_lost: bool, is_all: bool, *, task: Declare
) -> None:
    """Acquiring, a run, the pause after it and releasing take a second each."""
    for moment, count in product(range(17), range(8)):
        engine, work, registry = Engine(), Work(lasts(1, OSError())), Registry()
        engine.seconds = {"acquire": 1, "release": 1}
        lock = engine.lock()
        task("feed", work, registry=registry, exclusive=lock, backoff=(1, 1))

        main = asyncio.ensure_future(block(registry, moment / 2, count))
        if is_lost:
            asyncio.get_running_loop().call_later(3.5, lose_if_held, engine)
        if is_all:
            await asyncio.sleep(moment / 2)
            await turns(count)
            cancel_all()
        await asyncio.wait({main})

        assert (engine.holders, engine.open) == ({}, 0), (moment, count)
        assert not work.is_running, (moment, count)


def lose_if_held(engine: Engine) -> None:
    if "feed" in engine.holders:
        engine.lose("feed")


async def block(registry: Registry, seconds: float, count: int) -> None:
    async with serve(registry):
        await asyncio.sleep(seconds)
        await turns(count)
