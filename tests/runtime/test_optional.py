"""Optional resources: the lifespan goes on without those that fail to start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import (
    StartupError,
    StateNotFound,
)

from .probes import (
    Hang,
    Probes,
    Raise,
    Step,
    Stubborn,
    assert_closed,
    phases,
)

SCOPE: dict[str, Any] = {"type": "http"}


class Wrong(Step):
    """It starts, with another value than it promised."""


def fail(name: str, probes: Probes, step: Step) -> None:
    """An optional resource that fails to start."""
    if isinstance(step, Wrong):
        options: Any = {"optional": True, "registry": probes.registry}

        @lifespan_resource(StateKey[int](name), **options)
        async def _wrong() -> AsyncGenerator[Any]:
            yield "no number"
    else:
        probes.add(name, start=step, optional=True)


def wrong_ways() -> list[Any]:
    return [
        pytest.param(lambda: Raise(OSError("no route")), "OSError", id="raises"),
        pytest.param(lambda: Raise(SystemExit(3)), "StartupError", id="SystemExit"),
        pytest.param(
            lambda: Raise(KeyboardInterrupt()), "StartupError", id="KeyboardInterrupt"
        ),
        pytest.param(
            lambda: Raise(asyncio.CancelledError()), "StartupError", id="cancelled"
        ),
        pytest.param(Hang, "StartupTimeout", id="late"),
        pytest.param(Wrong, "InvalidValue", id="wrong value"),
    ]


@pytest.mark.parametrize(("step", "kind"), wrong_ways())
async def test_the_lifespan_goes_on_without_it(
    step: Callable[[], Step],
    kind: str,
    probes: Probes,
    journal: list[str],
    limits: Callable[..., None],
) -> None:
    """However it fails: what does not need it runs, and nothing of it is open."""
    limits(START_TIMEOUT=0.05)
    probes.add("before")
    fail("cache", probes, step())
    probes.add("after")
    lifespan = Lifespan(probes.registry)

    async with lifespan as state:
        found = dict(state)
        status = {record.name: record for record in lifespan.status()}
        health = {record.name: record for record in await lifespan.health()}
        is_closed = journal.count("-cache") == journal.count("+cache")

    assert sorted(found) == ["after", "before"]
    assert is_closed
    assert {name: record.phase for name, record in status.items()} == {
        "before": "running",
        "cache": "failed",
        "after": "running",
    }
    cache = status["cache"]
    assert (cache.optional, cache.seconds, cache.age) == (True, None, None)
    assert type(cache.error).__name__ == kind
    assert (health["cache"].verdict, health["cache"].error) == ("warn", cache.error)
    assert health["before"].verdict == "pass"
    assert_closed(*(probe for probe in probes.all() if probe.opened))


async def test_one_that_ignores_its_cancellation_is_left(
    probes: Probes, limits: Callable[..., None]
) -> None:
    """The start does not wait for it for ever; late, it is closed at once."""
    limits(START_TIMEOUT=0.01, STOP_TIMEOUT=0.01, CANCEL_TIMEOUT=0.01)
    stubborn = Stubborn()
    probe = probes.add("cache", start=stubborn, optional=True)
    probes.add("db")

    async with Lifespan(probes.registry) as state:
        found = dict(state)
    stubborn.release()
    while not probe.closed:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)

    assert list(found) == ["db"]
    assert_closed(*probes.all())


async def test_what_needs_it_is_not_started(probes: Probes) -> None:
    """A diamond: what also needs others is skipped too, and they run."""
    probes.add("root")
    probes.add("left", "root", start=Raise(OSError("no route")), optional=True)
    probes.add("right", "root")
    probes.add("tip", "left", "right", optional=True)
    probes.add("top", "tip", optional=True)
    lifespan = Lifespan(probes.registry)

    async with lifespan:
        found = phases(lifespan)

    assert found == {
        "root": "running",
        "left": "failed",
        "right": "running",
        "tip": "failed",
        "top": "failed",
    }
    assert probes.journal == ["+root", "+left", "-left", "+right", "-right", "-root"]
    assert_closed(*(probes[name] for name in ("root", "left", "right")))


async def test_one_that_is_started_later_is_skipped_too(probes: Probes) -> None:
    """Whichever of its needs fails last."""
    hang = Hang()

    class FailLate(Step):
        async def go(self) -> None:
            await hang.go()
            raise OSError("no route")

    class Release(Step):
        async def go(self) -> None:
            hang.release()

    probes.add("slow", start=FailLate(), optional=True)
    probes.add("quick", start=Release())
    probes.add("both", "quick", "slow", optional=True)
    lifespan = Lifespan(probes.registry)

    async with lifespan:
        found = phases(lifespan)

    assert found == {"slow": "failed", "quick": "running", "both": "failed"}


async def test_one_that_dies_during_the_start(
    probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits for it and for others is not started when those have."""
    died = asyncio.Event()

    @lifespan_resource("dies", registry=probes.registry, optional=True)
    async def _dies() -> AsyncGenerator[str]:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: died.set())
        asyncio.get_running_loop().call_soon(task.cancel)
        yield "dead"

    class AfterIt(Step):
        async def go(self) -> None:
            await died.wait()

    probes.add("slow", start=AfterIt())
    probes.add("both", "slow", "dies", optional=True)
    probes.add("last", "slow")
    lifespan = Lifespan(probes.registry)

    async with lifespan:
        found = phases(lifespan)
        records = {record.name: record for record in lifespan.status()}

    assert found == {
        "dies": "crashed",
        "slow": "running",
        "both": "failed",
        "last": "running",
    }
    assert probes.journal == ["+slow", "+last", "-last", "-slow"]
    assert "optional 'dies' failed; going on without it" in caplog.messages
    assert records["both"].error is not None
    assert records["both"].error.__cause__ is records["dies"].error


async def test_a_long_chain_is_skipped(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """Longer than Python's stack; each knows what really failed."""
    refused = OSError("no route")
    before: StateKey[Any] | None = None
    for index in range(2_000):
        options: Any = {"needs": () if before is None else (before,)}

        async def _it(*_: object) -> object:
            raise refused

        before = lifespan_resource(
            f"r{index}", registry=registry, optional=True, **options
        )(_it)
    lifespan = Lifespan(registry)

    async with lifespan as state:
        records = lifespan.status()
        found = dict(state)

    assert found == {}
    assert {record.phase for record in records} == {"failed"}
    assert records[0].error is refused
    assert {id(r.error and r.error.__cause__) for r in records[1:]} == {id(refused)}
    assert len(caplog.records) == 2_000


# --- Asked for


async def test_get_state_names_the_cause(probes: Probes, registry: Registry) -> None:
    """Or gives the default; the cause is the error itself."""
    refused = OSError("no route")
    probes.add("cache", start=Raise(refused), optional=True)
    probes.add("books", "cache", optional=True)
    key = StateKey[str]("cache")
    lifespan = Lifespan(registry)

    async with lifespan:
        with pytest.raises(StateNotFound) as failed:
            get_state(SCOPE, key)
        with pytest.raises(StateNotFound) as skipped:
            get_state(SCOPE, probes.resources["books"])
        default = get_state(SCOPE, key, None)
        place = lifespan.status()[0].declared_at.draw()

    assert default is None
    assert failed.value.__cause__ is refused
    assert str(failed.value) == (
        "no 'cache' on the lifespan state: its resource is optional, and has failed "
        f"(OSError)\n{place}\n"
        "Give a default for that case: get_state(request, KEY, None)"
    )
    why = skipped.value.__cause__
    assert isinstance(why, StartupError)
    assert why.problem == "was not started: 'cache', which it needs, failed"
    assert why.__cause__ is refused
    assert "(StartupError)" in str(skipped.value)


# --- Beside what is required


async def test_a_required_one_still_fails_the_start(probes: Probes) -> None:
    """Whatever optional ones did before."""
    probes.add("root")
    probes.add("cache", "root", start=Raise(OSError("no cache")), optional=True)
    probes.add("db", "root", start=Raise(OSError("no database")))

    with pytest.raises(OSError, match="no database"):
        async with Lifespan(probes.registry):
            raise AssertionError

    assert_closed(*probes.all())


async def test_those_that_run_stop_in_reverse(
    probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """An optional one that has started is a resource like any other."""
    caplog.set_level(logging.INFO, "django_lifespan_typed")
    probes.add("root")
    probes.add("cache", "root", optional=True)
    probes.add("books", "cache", optional=True)

    async with Lifespan(probes.registry):
        pass

    assert probes.journal == ["+root", "+cache", "+books", "-books", "-cache", "-root"]
    assert_closed(*probes.all())
    assert {record.levelname for record in caplog.records} == {"INFO"}


async def test_the_log_says_what_is_missing(
    probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """With the traceback once, for what has failed; a line for who needed it."""
    probes.add("cache", start=Raise(OSError("no route")), optional=True)
    probes.add("books", "cache", optional=True)

    skipped = "was not started: 'cache', which it needs, failed"

    async with Lifespan(probes.registry):
        pass

    assert [
        (record.levelname, record.getMessage(), bool(record.exc_info))
        for record in caplog.records
    ] == [
        ("ERROR", "optional 'cache' failed; going on without it", True),
        (
            "ERROR",
            f"optional 'books' {skipped}; going on without it",
            False,
        ),
    ]
    assert [probe.name for probe in probes.all() if probe.opened] == ["cache"]


async def test_one_that_crashes_while_serving_is_a_warning(
    registry: Registry, probes: Probes
) -> None:
    """Degraded, not down; and what is required and crashes is down."""
    dead: list[asyncio.Event] = []

    def _dies(name: str, *, optional: bool) -> None:
        is_dead = asyncio.Event()
        dead.append(is_dead)

        @lifespan_resource(name, registry=registry, optional=optional)
        async def _it() -> AsyncGenerator[Callable[[], object]]:
            task = asyncio.current_task()
            assert task is not None
            task.add_done_callback(lambda _: is_dead.set())
            yield task.cancel

    _dies("cache", optional=True)
    _dies("db", optional=False)
    lifespan = Lifespan(registry)

    async with lifespan as state:
        state["cache"]()
        await dead[0].wait()
        degraded = [record.verdict for record in await lifespan.health()]
        state["db"]()
        await dead[1].wait()
        down = [record.verdict for record in await lifespan.health()]

    assert degraded == ["warn", "pass"]
    assert down == ["warn", "fail"]
