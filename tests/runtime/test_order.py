"""The plan decides the order of a startup and of a shutdown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .probes import (
    BLOCKING,
    Do,
    Hang,
    Probes,
    Raise,
    assert_closed,
    assert_order,
)

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("a", "d")}


def tasks_begin(when: str) -> None:
    """Let tasks begin before create_task() returns if *when* is "eagerly"."""
    if when == "eagerly":
        factory: Any = getattr(asyncio, "eager_task_factory", None)
        if factory is None:
            pytest.skip("asyncio has no eager tasks before Python 3.12")
        asyncio.get_running_loop().set_task_factory(factory)


later_or_eagerly = pytest.mark.parametrize("when", ["later", "eagerly"])


@later_or_eagerly
async def test_a_diamond_keeps_its_order(when: str, probes: Probes) -> None:
    tasks_begin(when)
    needs = {**DIAMOND, "blocking": ("b",), "after": ("blocking",)}
    probes.add_all(DIAMOND)
    probes.add("blocking", "b", shape=BLOCKING)
    probes.add("after", "blocking")

    await probes.run()

    assert_order(probes.journal, needs)
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


@later_or_eagerly
async def test_a_chain_may_be_longer_than_the_stack(when: str, probes: Probes) -> None:
    tasks_begin(when)
    names = [f"r{index}" for index in range(1_100)]
    probes.add_chain(*names)
    probes[names[-1]].start = Raise(ValueError("it fails"))

    with pytest.raises(ValueError, match="it fails"):
        await probes.run()

    starts = [f"+{name}" for name in names]
    assert probes.journal == starts + [f"-{name}" for name in reversed(names)]
    assert_closed(*probes.all())
