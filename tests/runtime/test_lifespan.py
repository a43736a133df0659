"""Lifespan: entering, leaving, its state, its status and its context."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, current_state
from django_lifespan_typed.exceptions import LifespanError

from .probes import (
    BLOCKING,
    MARK,
    SHAPES,
    Do,
    Hang,
    Probes,
    Raise,
    Shape,
    Step,
    assert_closed,
)


async def test_only_starts_the_given_keys_and_their_dependencies(
    probes: Probes,
) -> None:
    probes.add_chain("a", "b", "c")
    probes.add("alone")
    lifespan = probes.lifespan(only=[StateKey[Any]("b")])

    async with lifespan as state:
        assert sorted(state) == ["a", "b"]
        assert probes.phases() == {"a": "running", "b": "running"}

    assert probes.journal == ["+a", "+b", "-b", "-a"]


async def test_each_startup_has_its_own_state(probes: Probes) -> None:
    """It stays readable after the shutdown: late requests still read it."""
    probe = probes.add("it")
    lifespan = probes.lifespan()

    async with lifespan as first:
        first["more"] = 1
    async with lifespan as second:
        assert list(second) == ["it"]

    assert lifespan.state is second
    assert first["it"] is second["it"] is probe.value


@pytest.mark.parametrize("shape", [SHAPES[0], BLOCKING], ids=str)
async def test_factories_run_in_a_copy_of_the_context_of_the_block(
    shape: Shape, probes: Probes
) -> None:
    marks: list[str] = []
    probe = probes.add("it", shape=shape, stop=Do(lambda: marks.append(MARK.get())))

    token = MARK.set("set outside")
    async with probes.lifespan():
        marks.append(MARK.get())
        MARK.set("set inside")
    marks.append(MARK.get())
    MARK.reset(token)

    assert probe.found == ["set outside"]
    assert marks == ["set outside", "it", "set inside"]


async def test_the_status_follows_each_resource(probes: Probes, hang: Hang) -> None:
    probes.add_chain("a", "b", "c")
    probes["b"].start = hang
    lifespan = probes.lifespan()

    before = lifespan.status()
    starting = asyncio.ensure_future(lifespan.__aenter__())
    await hang.reached()
    during = probes.phases()
    hang.release()
    await starting
    running = lifespan.status()
    await lifespan.__aexit__(None, None, None)

    assert before == ()
    assert during == {"a": "running", "b": "starting", "c": "waiting"}
    assert [(s.name, s.phase, s.needs, s.error) for s in running] == [
        ("a", "running", (), None),
        ("b", "running", ("a",), None),
        ("c", "running", ("b",), None),
    ]
    assert all(status.seconds is not None for status in running)
    assert [status.declared_at for status in running] == [
        probes.resources[name].declared_at for name in "abc"
    ]
    assert probes.phases() == {"a": "stopped", "b": "stopped", "c": "stopped"}


async def test_the_status_has_the_times_of_the_startup_and_the_shutdown(
    probes: Probes, hang: Hang
) -> None:
    probes.add("broken", start=Raise(LookupError()), optional=True)
    probes.add("skipped", "broken", optional=True)
    probes.add("it", stop=hang)
    lifespan = probes.lifespan()

    def times() -> dict[str, list[Any]]:
        return {
            status.name: [
                status.began_after,
                status.stop_began_after,
                status.ended_after,
            ]
            for status in lifespan.status()
        }

    await lifespan.__aenter__()
    running = times()["it"]
    leaving = asyncio.ensure_future(lifespan.__aexit__(None, None, None))
    await hang.reached()
    stopping = times()["it"]
    hang.release()
    await leaving

    began, stop_began, ended = times()["it"]
    assert running == [began, None, None]
    assert stopping == [began, stop_began, None]
    assert sorted([began, stop_began, ended]) == [began, stop_began, ended]
    failed_began, failed_stop, failed = times()["broken"]
    assert failed_stop is None
    assert sorted([failed_began, failed, ended]) == [failed_began, failed, ended]
    assert times()["skipped"][:2] == [None, None]


# --- Entering and leaving


async def test_a_refused_entry_leaves_the_first_running(probes: Probes) -> None:
    probes.add("it")
    lifespan = probes.lifespan()

    def enter() -> None:
        with pytest.raises(LifespanError, match="already running"), lifespan:
            raise AssertionError("it was entered")

    async with lifespan as state:
        with pytest.raises(LifespanError, match="already running"):
            await lifespan.__aenter__()
        await asyncio.to_thread(enter)
        assert probes.phases() == {"it": "running"}
        assert lifespan.loop is asyncio.get_running_loop()
        assert current_state() is state

    assert_closed(*probes.all())


async def test_a_lifespan_that_is_not_running_cannot_be_left(
    registry: Registry,
) -> None:
    left = Lifespan(registry)
    async with left:
        pass

    for lifespan in Lifespan(registry), left:
        with pytest.raises(LifespanError, match="this Lifespan is not running"):
            await lifespan.__aexit__(None, None, None)
        with pytest.raises(LifespanError, match="this Lifespan is not running"):
            lifespan.__exit__(None, None, None)


async def test_a_lifespan_may_be_left_in_another_task(probes: Probes) -> None:
    """Fixtures of pytest do so; each resource still has one task."""
    probes.add_chain("a", "b")
    lifespan = probes.lifespan()

    await asyncio.ensure_future(lifespan.__aenter__())
    await asyncio.ensure_future(lifespan.__aexit__(None, None, None))

    assert probes.journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_an_exception_of_the_block_is_raised_after_the_shutdown(
    probes: Probes,
) -> None:
    probes.add_chain("a", "b")

    with pytest.raises(ValueError, match="of the block"):
        async with probes.lifespan():
            raise ValueError("of the block")

    assert probes.journal == ["+a", "+b", "-b", "-a"]


async def test_a_lifespan_starts_again_after_a_failed_startup(probes: Probes) -> None:
    probe = probes.add("it", start=Raise(ValueError("it fails")))
    lifespan = probes.lifespan()

    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()
    probe.start = Step()
    async with lifespan as state:
        assert state["it"] is probe.value

    assert probes.journal == ["+it", "-it", "+it", "-it"]
    assert_closed(probe, times=2)


async def test_a_failed_startup_keeps_nothing(probes: Probes) -> None:
    """Neither a task, nor the current lifespan, nor a loop."""
    probes.add_chain("a", "b")
    probes.add("c", "b", start=Raise(ValueError("it fails")))
    probes.add("d", "a", shape=BLOCKING)
    lifespan = probes.lifespan()

    async with Lifespan(Registry()) as outer:
        tasks = asyncio.all_tasks()
        with pytest.raises(ValueError, match="it fails"):
            await lifespan.__aenter__()
        assert current_state() is outer
        assert asyncio.all_tasks() == tasks

    assert lifespan.loop is None
    with pytest.raises(LifespanError, match="this Lifespan is not running"):
        await lifespan.__aexit__(None, None, None)
