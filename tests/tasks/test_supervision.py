"""A task starts after its dependencies, runs again as declared, and is stopped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from datetime import timezone

import pytest
from asgiref.sync import sync_to_async

from django_lifespan_typed import Lifespan, Registry, TaskRecord, lifespan_resource
from django_lifespan_typed._tasks import supervisor
from django_lifespan_typed.exceptions import ShutdownTimeout
from tests.journaling import Add, add
from tests.runtime.databases import Database
from tests.runtime.probes import Limits, Log, logged_errors
from tests.runtime.test_order import later_or_eagerly, tasks_begin

from .works import (
    Declare,
    Step,
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

MARK: ContextVar[str] = ContextVar("MARK", default="unset")


def serve(registry: Registry) -> Lifespan:
    """Return a lifespan that runs all tasks, as a server's does."""
    return Lifespan(registry, run_tasks=True)


# --- Startup and shutdown


@in_virtual_time
async def test_a_task_runs_between_start_and_stop_of_its_dependencies(
    registry: Registry, journal: list[str], add: Add, task: Declare
) -> None:
    db = add("db")
    work = Work(forever, journal=journal)
    task("work", work, needs=(db,))

    async with serve(registry):
        await turns()

    assert journal == ["+db", "+work", "-work", "-db"]
    assert work.given == [("db()",)]


@in_virtual_time
async def test_a_dependent_of_a_task_stops_before_it(
    registry: Registry, journal: list[str], add: Add, task: Declare
) -> None:
    feed = task("feed", Work(forever, journal=journal, name="feed"))

    @lifespan_resource("reader", needs=(feed,), registry=registry)
    async def reader(seen: TaskRecord) -> AsyncGenerator[TaskRecord]:
        yield seen
        journal.append("-reader")

    async with serve(registry):
        await turns()

    assert journal[-2:] == ["-reader", "-feed"]


@in_virtual_time
async def test_a_run_does_not_delay_the_startup(
    registry: Registry, task: Declare
) -> None:
    """Nor does a run that never waits for anything for the first hour."""
    made = task("work", Work(lasts(3600)))

    async with serve(registry) as state:
        assert now() == 0
        assert state[made].phase in {"standby", "running"}
        await turns()
        assert state[made].phase == "running"


@in_virtual_time
async def test_a_task_whose_dependency_fails_never_runs(
    registry: Registry, add: Add, task: Declare
) -> None:
    work = Work(forever)
    task("work", work, needs=(add("db", fails="start"),))

    with pytest.raises(ConnectionError):
        async with serve(registry):
            pass

    assert work.began == []


@in_virtual_time
async def test_a_task_is_stopped_when_another_resource_fails_to_start(
    registry: Registry, journal: list[str], add: Add, task: Declare
) -> None:
    work = Work(forever, journal=journal)
    task("work", work)

    @lifespan_resource("slow", registry=registry)
    async def slow() -> str:
        await asyncio.sleep(1)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        async with serve(registry):
            pass

    assert journal == ["+work", "-work"]


@in_virtual_time
async def test_shutdown_waits_for_the_clean_up_of_a_run(
    registry: Registry, journal: list[str], add: Add, task: Declare
) -> None:
    work = Work(unwinds(lasts(3)), journal=journal)
    task("work", work, needs=(add("db"),))

    async with serve(registry):
        await turns()

    assert journal == ["+db", "+work", "-work", "-db"]
    assert work.ended == [3]


@in_virtual_time
async def test_a_late_task_is_a_shutdown_timeout_that_names_it(
    registry: Registry, journal: list[str], add: Add, task: Declare, caplog: Log
) -> None:
    """Cancelled once more after its limit, it ends."""
    work = Work(unwinds(forever), journal=journal)
    made = task("work", work, needs=(add("db"),), stop_timeout=2)

    with pytest.raises(ShutdownTimeout) as caught:
        async with serve(registry):
            await turns()

    assert (caught.value.name, caught.value.seconds) == ("work", 2)
    assert caught.value.waiting == ("db",)
    assert caught.value.location == made.declared_at
    assert work.ended == [2]
    assert journal == ["+db", "+work", "-work", "-db"]
    assert "abandoned" not in caplog.text


@in_virtual_time
async def test_a_task_that_ignores_cancellations_is_abandoned(
    *,
    registry: Registry,
    journal: list[str],
    add: Add,
    task: Declare,
    limits: Limits,
    caplog: Log,
) -> None:
    limits(CANCEL_TIMEOUT=0.5)
    stubborn = Stubborn()
    work = Work(stubborn, journal=journal)
    task("work", work, needs=(add("db"),), stop_timeout=2)

    with pytest.raises(ShutdownTimeout):
        async with serve(registry):
            await turns()

    assert now() == 2.5
    assert stubborn.cancelled_at[:2] == [0, 2]
    assert journal == ["+db", "+work", "-db"]
    assert "'work' did not finish after cancellation and was abandoned" in caplog.text
    await stubborn.release()


@in_virtual_time
async def test_an_error_of_a_clean_up_at_shutdown_is_logged(
    registry: Registry, task: Declare, caplog: Log
) -> None:
    error = ValueError("not saved")
    task("work", Work(unwinds(raises(error))))

    async with serve(registry):
        await turns()

    assert logged_errors(caplog) == [error]
    assert "'work'" in caplog.text


@pytest.mark.parametrize("is_latest_first", [False, True])
@in_virtual_time
async def test_ctrl_c_cancels_all_tasks_and_ends_in_order(
    is_latest_first: bool,
    registry: Registry,
    journal: list[str],
    add: Add,
    task: Declare,
) -> None:
    work = Work(unwinds(lasts(1)), journal=journal)
    task("work", work, needs=(add("db"),), restart="always")

    async def main() -> None:
        async with serve(registry):
            await forever()

    server = asyncio.ensure_future(main())
    await turns()
    cancel_all(is_latest_first=is_latest_first)
    await asyncio.wait({server})

    assert server.cancelled()
    assert journal == ["+db", "+work", "-work", "-db"]
    if sys.version_info >= (3, 11):  # otherwise its clean-up is cancelled, too
        assert work.ended == [1]


@in_virtual_time
async def test_a_shutdown_between_two_runs_takes_no_time(
    registry: Registry, task: Declare
) -> None:
    work = Work(raises(OSError()))
    made = task("work", work, backoff=(3600, 3600))

    async with serve(registry) as state:
        await turns()
        assert state[made].phase == "waiting"

    assert now() == 0
    assert len(work.began) == 1


# --- Contexts


@later_or_eagerly
@in_virtual_time
async def test_each_run_has_a_context_of_its_own(
    when: str, *, registry: Registry, task: Declare
) -> None:
    """It begins as a copy of that of the lifespan, and is not that of a run before."""

    async def mark() -> None:
        found.append(MARK.get())
        MARK.set("run")

    tasks_begin(when)
    found: list[str] = []
    MARK.set("lifespan")
    task("work", Work(mark, mark, forever), restart="always")

    async with serve(registry):
        await asyncio.sleep(10)

    assert found == ["lifespan", "lifespan"]
    assert MARK.get() == "lifespan"


# --- Restarts


@in_virtual_time
async def test_a_failed_run_is_logged_and_runs_again(
    registry: Registry, task: Declare, caplog: Log
) -> None:
    error = ConnectionError("no feed")
    work = Work(raises(error), forever)
    made = task("work", work)

    async with serve(registry) as state:
        await turns()
        before = str(state[made])
        await asyncio.sleep(5)
        seen, shown = state[made], str(state[made])

    assert (before, shown) == ("waiting", "running, 1 restart")
    assert seen.phase == "standby"  # after the shutdown
    assert work.began == [0, 1]
    assert (seen.restarts, seen.last_error) == (1, error)
    assert seen.last_run is not None
    assert seen.last_run.tzinfo is timezone.utc
    assert logged_errors(caplog) == [error]
    assert "'work' failed; next run in 1.0 s" in caplog.text
    assert str(made.declared_at) in caplog.text


@pytest.mark.parametrize(
    ("restart", "step", "phase", "runs"),
    [
        ("on_failure", returns, "finished", 1),
        ("on_failure", raises(OSError()), "waiting", 3),
        ("always", returns, "waiting", 3),
        ("always", raises(OSError()), "waiting", 3),
        ("never", returns, "finished", 1),
        ("never", raises(OSError()), "crashed", 1),
    ],
)
@in_virtual_time
async def test_restart_says_what_follows_a_run(
    restart: str,
    step: Step,
    phase: str,
    runs: int,
    *,
    registry: Registry,
    task: Declare,
) -> None:
    work = Work(step)
    made = task("work", work, restart=restart, backoff=(1, 60))

    async with serve(registry) as state:
        await asyncio.sleep(3.5)
        seen = state[made]

        assert (seen.phase, len(work.began)) == (phase, runs)
        assert seen.restarts == runs - 1


@in_virtual_time
async def test_the_backoff_doubles_up_to_the_longest(
    registry: Registry, task: Declare
) -> None:
    work = Work(raises(OSError()))
    task("work", work, backoff=(2, 11))

    async with serve(registry):
        await asyncio.sleep(50)

    assert work.began == [0, 2, 6, 14, 25, 36, 47]


@in_virtual_time
async def test_the_backoff_begins_anew_after_a_stable_run(
    registry: Registry, task: Declare
) -> None:
    error = OSError()
    stable = supervisor.STABLE_AFTER
    fails, lasted = raises(error), lasts(stable, error)
    work = Work(fails, fails, lasts(stable - 1, error), lasted, fails, fails, forever)
    task("work", work, backoff=(1, 60))

    async with serve(registry):
        await asyncio.sleep(1000)

    assert work.pauses == pytest.approx([1, 2, 4, 1, 2, 4])


@pytest.mark.parametrize("part", [0.8, 1.2])
@in_virtual_time
async def test_restarts_vary_by_a_fifth(
    part: float, registry: Registry, task: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return part

    monkeypatch.setattr(supervisor, "uniform", uniform)
    work = Work(raises(OSError()))
    task("work", work, backoff=(10, 20))

    async with serve(registry):
        await asyncio.sleep(40)

    assert work.began[:3] == pytest.approx([0, 10 * part, 30 * part])
    assert set(asked) == {(0.8, 1.2)}


# --- The end


@in_virtual_time
async def test_a_finished_task_is_healthy(registry: Registry, task: Declare) -> None:
    task("work", Work(returns))

    async with (lifespan := serve(registry)):
        await turns()
        (health,) = await lifespan.health()
        (status,) = lifespan.status()

    assert (health.verdict, status.phase) == ("pass", "running")
    assert health.task is not None
    assert health.task.phase == "finished"
    assert now() == 0


@pytest.mark.parametrize(
    ("optional", "verdict"), [(False, "fail"), (True, "warn")], ids=["required", "not"]
)
@in_virtual_time
async def test_a_crash_is_logged_and_seen(
    optional: bool, verdict: str, registry: Registry, task: Declare, caplog: Log
) -> None:
    error = ConnectionError("no feed")
    work = Work(raises(error))
    made = task("work", work, restart="never", optional=optional)

    async with (lifespan := serve(registry)) as state:
        await turns()
        (health,) = await lifespan.health()
        (status,) = lifespan.status()
        seen = state[made]

    assert (seen.phase, seen.last_error) == ("crashed", error)
    assert (status.phase, health.verdict) == ("crashed", verdict)
    assert status.error is not None
    assert status.error.__cause__ is error
    assert len(logged_errors(caplog)) == 1
    assert "ConnectionError: no feed" in caplog.text
    assert "works.py" in caplog.text  # the traceback
    assert len(work.began) == 1


@in_virtual_time
async def test_the_traceback_of_a_crash_is_that_of_the_function(
    registry: Registry, task: Declare, caplog: Log
) -> None:
    """It is not raised during the handling of a cancellation."""

    async def fail() -> None:
        try:
            {}["key"]
        except KeyError:
            raise ConnectionError("no feed")  # noqa: B904

    task("work", Work(fail), restart="never")

    async with serve(registry):
        await turns()

    assert "KeyError: 'key'\n\nDuring handling of" in caplog.text
    assert "CancelledError" not in caplog.text


@in_virtual_time
async def test_a_crash_leaves_its_dependencies_running(
    registry: Registry, journal: list[str], add: Add, task: Declare
) -> None:
    work = Work(raises(OSError()))
    task("work", work, needs=(add("db"),), restart="never")

    async with serve(registry):
        await turns()
        assert journal == ["+db"]

    assert journal == ["+db", "-db"]


EXITS = [SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError()]


@pytest.mark.parametrize("error", EXITS, ids=repr)
@in_virtual_time
async def test_a_run_that_raises_an_exit_is_a_failed_run(
    error: BaseException, registry: Registry, task: Declare
) -> None:
    """Otherwise it would end the event loop, or pass for a shutdown."""
    work = Work(raises(error), forever)
    made = task("work", work)

    async with serve(registry) as state:
        await asyncio.sleep(5)
        seen = state[made]
        assert type(seen.last_error) is type(error)

        assert (seen.phase, seen.restarts) == ("running", 1)


@pytest.mark.parametrize("error", EXITS, ids=repr)
@in_virtual_time
async def test_an_exit_may_be_a_crash(
    error: BaseException, registry: Registry, task: Declare
) -> None:
    made = task("work", Work(raises(error)), restart="never")

    async with (lifespan := serve(registry)) as state:
        await turns()

        (status,) = lifespan.status()
        assert (state[made].phase, status.phase) == ("crashed", "crashed")


# --- Every


@in_virtual_time
async def test_runs_of_a_rhythm_begin_on_time(
    registry: Registry, task: Declare
) -> None:
    work = Work(lasts(0.25), lasts(3), returns)
    made = task("work", work, every=10)

    async with serve(registry) as state:
        await asyncio.sleep(35)
        assert state[made].phase == "waiting"
        assert str(state[made]) == "waiting"  # the next run is no restart

    assert work.began == [0, 10, 20, 30]


@in_virtual_time
async def test_runs_do_not_overlap_and_missed_ones_are_skipped(
    registry: Registry, task: Declare
) -> None:
    work = Work(lasts(24), returns, lasts(10), returns)
    task("work", work, every=10)

    async with serve(registry):
        await asyncio.sleep(75)

    assert work.began == [0, 30, 40, 60, 70]
    assert min(work.pauses) >= 0


@in_virtual_time
async def test_a_failed_run_does_not_change_the_rhythm(
    registry: Registry, task: Declare, caplog: Log
) -> None:
    error = OSError("no rates")
    work = Work(returns, lasts(2, error), returns)
    made = task("work", work, every=10)

    async with (lifespan := serve(registry)) as state:
        await asyncio.sleep(25)
        (health,) = await lifespan.health()
        seen = state[made]

    assert work.began == [0, 10, 20]
    assert (seen.restarts, seen.last_error, health.verdict) == (0, error, "pass")
    assert logged_errors(caplog) == [error]
    assert "'work' failed; next run in 8.0 s" in caplog.text


@pytest.mark.parametrize("seconds", [0.1, 1 / 3, 7.7])
@in_virtual_time
async def test_no_run_is_repeated_by_rounding(
    seconds: float, registry: Registry, task: Declare
) -> None:
    work = Work(returns)
    task("work", work, every=seconds)

    async with serve(registry):
        await asyncio.sleep(seconds * 200.5)

    assert len(work.began) == 201


@in_virtual_time
async def test_no_run_is_repeated_because_its_timer_was_early(
    registry: Registry, task: Declare
) -> None:
    """By up to the resolution of the clock, 16 ms on Windows."""
    early = [0.0]
    time = asyncio.get_running_loop().time
    work = Work(returns)
    task("work", work, every=10)

    with pytest.MonkeyPatch.context() as patch:  # ends before that of virtual time
        patch.setattr(supervisor, "monotonic", lambda: time() - early[0])
        async with serve(registry):
            await asyncio.sleep(5)
            early[0] = 0.016
            await asyncio.sleep(10)

    assert work.began == [0, 10]


# --- Database connections


@in_virtual_time
async def test_a_broken_connection_does_not_outlive_a_run(
    registry: Registry, task: Declare, database: Database
) -> None:
    """With the default CONN_MAX_AGE, no connection does."""

    @sync_to_async
    def use() -> None:
        database.use("work")

    work = Work(use)
    task("work", work, every=10)

    async with serve(registry):
        for _ in range(3):
            await asyncio.sleep(9)
            assert database.left_open() == []

    assert (work.began, database.users()) == ([0, 10, 20], ["work"] * 3)


@in_virtual_time
async def test_a_connection_that_cannot_be_closed_is_no_crash(
    registry: Registry, task: Declare, database: Database, caplog: Log
) -> None:
    @sync_to_async
    def use() -> None:
        database.use("work")
        database.break_connection()

    made = task("work", Work(use), every=10)

    async with serve(registry) as state:
        await asyncio.sleep(15)

        assert state[made].phase == "waiting"
    assert "database connection" in caplog.text
