"""The plan decides the order of a startup and of a shutdown."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from .probes import (
    SHAPES,
    Do,
    Hang,
    Probes,
    Raise,
    Shape,
    Step,
    assert_closed,
    assert_order,
)

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("a", "d")}


class Meet(Step):
    """Waits until *party* resources have reached it."""

    def __init__(self, party: int) -> None:
        self._missing = party
        self._is_complete = asyncio.Event()

    async def go(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._is_complete.set()
        await self._is_complete.wait()


async def test_resources_stop_in_reverse(probes: Probes) -> None:
    probes.add_chain("db", "repository", "view")

    async with probes.lifespan():
        probes.journal.append("serving")

    assert probes.journal == [
        *("+db", "+repository", "+view"),
        "serving",
        *("-view", "-repository", "-db"),
    ]
    assert_closed(*probes.all())


async def test_a_diamond_keeps_its_order(probes: Probes) -> None:
    probes.add_all(DIAMOND)

    await probes.run()

    assert_order(probes.journal, DIAMOND)
    assert_closed(*probes.all())


async def test_independent_resources_start_and_stop_concurrently(
    probes: Probes,
) -> None:
    start, stop = Meet(5), Meet(5)
    probes.add("root")
    for index in range(5):
        probes.add(f"r{index}", "root", start=start, stop=stop)

    await probes.run()

    assert_closed(*probes.all())


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.blocking], ids=str)
async def test_an_async_resource_starts_while_another_blocks_its_thread(
    shape: Shape, probes: Probes, hang: Hang
) -> None:
    async def release() -> None:
        await hang.reached()
        hang.release()

    probes.add("blocking", shape=shape, start=hang)
    probes.add("async", start=Do(release))

    await probes.run()

    assert_closed(*probes.all())


async def test_a_resource_starts_as_soon_as_its_dependencies_have_started(
    probes: Probes, hang: Hang
) -> None:
    """It does not wait for the rest of their level."""
    probes.add("slow", start=hang)
    probes.add_chain("a", "b")
    probes.add("c", "b", start=Do(hang.release))

    await probes.run()

    assert_closed(*probes.all())


async def test_a_resource_stops_as_soon_as_its_dependents_have_stopped(
    probes: Probes, hang: Hang
) -> None:
    probes.add("a", stop=Do(hang.release))
    probes.add("b", "a")
    probes.add("slow", stop=hang)

    await probes.run()

    assert_closed(*probes.all())


@pytest.mark.parametrize("fails", [False, True])
async def test_a_chain_may_be_longer_than_the_stack(
    fails: bool, probes: Probes
) -> None:
    names = [f"r{index}" for index in range(2_000)]
    probes.add_chain(*names)
    if fails:
        probes[names[-1]].start = Raise(ValueError("it fails"))

    with pytest.raises(ValueError, match="it fails") if fails else nullcontext():
        await probes.run()

    starts = [f"+{name}" for name in names]
    assert probes.journal == starts + [f"-{name}" for name in reversed(names)]
    assert_closed(*probes.all())
