"""The order of a lifespan: the plan decides, not luck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import LifespanError

from .probes import (
    MARK,
    SHAPES,
    Hang,
    Probes,
    Shape,
    Step,
    assert_closed,
    assert_order,
    phases,
)

BLOCKING = [shape for shape in SHAPES if shape.blocking]


async def test_stops_in_reverse(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """What started last stops first."""
    probes.add_chain("db", "repository", "view")

    async with Lifespan(registry):
        journal.append("serving")

    assert journal == [
        "+db",
        "+repository",
        "+view",
        "serving",
        "-view",
        "-repository",
        "-db",
    ]
    assert_closed(*probes.all())


async def test_a_diamond_keeps_its_order(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Each starts after all that it needs, and stops before all of it."""
    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("a", "d")}
    for name in "edcba":
        probes.add(name, *needs[name])

    async with Lifespan(registry):
        pass

    assert_order(journal, needs)
    assert_closed(*probes.all())


class Meet(Step):
    """It takes until all of a party do the same."""

    def __init__(self, party: int) -> None:
        self._missing = party
        self._all_there = asyncio.Event()

    async def go(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._all_there.set()
        await self._all_there.wait()


async def test_what_is_independent_starts_and_stops_concurrently(
    registry: Registry, probes: Probes
) -> None:
    """None of them could go on alone."""
    start, stop = Meet(5), Meet(5)
    probes.add("root")
    for index in range(5):
        probes.add(f"r{index}", "root", start=start, stop=stop)

    async with Lifespan(registry):
        pass

    assert_closed(*probes.all())


@pytest.mark.parametrize("shape", BLOCKING, ids=str)
async def test_blocking_resources_start_concurrently(
    shape: Shape, registry: Registry, probes: Probes, hang: Hang
) -> None:
    """Each in its own thread: an async one goes on while a blocking one blocks."""

    class Release(Step):
        async def go(self) -> None:
            await hang.reached()
            hang.release()

    probes.add("blocking", shape=shape, start=hang)
    probes.add("async", start=Release())

    async with Lifespan(registry):
        pass

    assert_closed(*probes.all())


async def test_starts_the_moment_that_its_needs_have_started(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """It does not wait for what it does not need."""

    class Release(Step):
        async def go(self) -> None:
            hang.release()

    probes.add("slow", start=hang)
    probes.add_chain("a", "b")
    probes.add("c", "b", start=Release())

    async with Lifespan(registry):
        assert set(journal[:4]) == {"+slow", "+a", "+b", "+c"}

    assert_closed(*probes.all())


async def test_stops_the_moment_that_all_who_need_it_have_stopped(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """It does not wait for what does not need it."""

    class Release(Step):
        async def go(self) -> None:
            hang.release()

    probes.add("a", stop=Release())
    probes.add_chain("a2", "b2")
    probes.add("b", "a")
    probes.add("slow", stop=hang)

    async with Lifespan(registry):
        pass

    assert journal[-2:] == ["-a", "-slow"] or journal.index("-a") < journal.index(
        "-slow"
    )
    assert_closed(*probes.all())


async def test_starts_some_and_what_they_need(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """``only=`` leaves the rest alone."""
    probes.add_chain("a", "b", "c")
    probes.add("alone")
    lifespan = Lifespan(registry, only=[StateKey[Any]("b")])

    async with lifespan as state:
        assert sorted(state) == ["a", "b"]
        assert phases(lifespan) == {"a": "running", "b": "running"}

    assert journal == ["+a", "+b", "-b", "-a"]


@pytest.mark.parametrize("only", [None, ()], ids=["of an empty registry", "of none"])
async def test_a_lifespan_of_nothing(only: Any, registry: Registry) -> None:
    """It runs, and has nothing."""
    if only is not None:
        Probes(registry, []).add("it")
    lifespan = Lifespan(registry, only=only)

    async with lifespan as state:
        assert dict(state) == {}

    assert lifespan.status() == ()


async def test_the_state_stays_readable_after_the_stop(
    registry: Registry, probes: Probes
) -> None:
    """Late requests still read it."""
    probe = probes.add("it")

    async with Lifespan(registry) as state:
        pass

    assert state["it"] is probe.value


async def test_each_start_has_a_state_of_its_own(
    registry: Registry, probes: Probes
) -> None:
    """What was added to the first is not in the second."""
    probes.add("it")
    lifespan = Lifespan(registry)

    async with lifespan as first:
        first["more"] = 1
    async with lifespan as second:
        assert list(second) == ["it"]

    assert lifespan.state is second


async def test_the_code_around_it_finds_the_state(
    registry: Registry, probes: Probes
) -> None:
    """``current_state()`` needs no request."""
    probe = probes.add("it")

    async with Lifespan(registry):
        found = current_state()["it"]

    assert found is probe.value


@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_context_variables_come_from_whoever_enters(
    kind: str, registry: Registry
) -> None:
    """What the resources set stays theirs."""
    found: list[str] = []

    async def it_async() -> AsyncGenerator[str]:
        found.append(MARK.get())
        MARK.set("set by it")
        yield ""
        found.append(MARK.get())

    def it_blocking() -> Iterator[str]:
        found.append(MARK.get())
        MARK.set("set by it")
        yield ""
        found.append(MARK.get())

    declare: Any = lifespan_resource("it", registry=registry)
    declare(it_async if kind == "async" else it_blocking)

    token = MARK.set("set outside")
    async with Lifespan(registry):
        found.append(MARK.get())
        MARK.set("set inside")
    found.append(MARK.get())
    MARK.reset(token)

    assert found == ["set outside", "set outside", "set by it", "set inside"]


async def test_its_status_tells_what_runs(
    registry: Registry, probes: Probes, hang: Hang
) -> None:
    """Needs first, before, during and after."""
    probes.add("b", "a", start=hang)
    probes.add("a")
    probes.add("c", "b")
    lifespan = Lifespan(registry)

    before = lifespan.status()
    starting = asyncio.ensure_future(lifespan.__aenter__())
    await hang.reached()
    during = phases(lifespan)
    hang.release()
    await starting
    running = lifespan.status()
    await lifespan.__aexit__(None, None, None)
    after = phases(lifespan)

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
    assert after == {"a": "stopped", "b": "stopped", "c": "stopped"}


async def test_runs_once_at_a_time(registry: Registry, probes: Probes) -> None:
    """A second entry is refused, and leaves the first alone."""
    probes.add("it")
    lifespan = Lifespan(registry)

    async with lifespan:
        with pytest.raises(LifespanError) as caught:
            await lifespan.__aenter__()
        assert phases(lifespan) == {"it": "running"}

    assert str(caught.value) == (
        "this Lifespan runs already\nMake another one: async with Lifespan() as state:"
    )
    assert_closed(*probes.all())


@pytest.mark.parametrize("entered", [False, True], ids=["never", "left already"])
async def test_is_left_only_after_it_was_entered(
    entered: bool, registry: Registry
) -> None:
    """The error says what is missing."""
    lifespan = Lifespan(registry)
    if entered:
        async with lifespan:
            pass

    with pytest.raises(LifespanError) as caught:
        await lifespan.__aexit__(None, None, None)

    assert str(caught.value) == "this Lifespan does not run\nEnter it first: async with"


async def test_is_left_once(registry: Registry, probes: Probes) -> None:
    """Who leaves it while it is being left is told so, and keeps nobody waiting."""
    probes.add("it")
    lifespan = Lifespan(registry)
    await lifespan.__aenter__()

    outcomes = await asyncio.gather(
        *(lifespan.__aexit__(None, None, None) for _ in range(2)),
        return_exceptions=True,
    )

    assert outcomes[0] is None
    assert str(outcomes[1]) == (
        "this Lifespan is being left already\nLeave it once: async with"
    )
    assert_closed(*probes.all())


async def test_what_fails_in_the_block_is_raised_after_the_stop(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """The resources do not see it: it is not theirs."""
    probes.add_chain("a", "b")
    error = ValueError("of the block")

    with pytest.raises(ValueError, match="of the block") as caught:
        async with Lifespan(registry):
            raise error

    assert caught.value is error
    assert journal == ["+a", "+b", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_chain_longer_than_the_stack(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Two thousand, each of which needs the one before: started and stopped."""
    names = [f"r{index}" for index in range(2_000)]
    probes.add_chain(*names)

    async with Lifespan(registry):
        pass

    assert journal == [f"+{name}" for name in names] + [
        f"-{name}" for name in reversed(names)
    ]
    assert_closed(*probes.all())
