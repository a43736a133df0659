"""Every kind of factory, in every situation of its life."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import InvalidValue, StartupTimeout
from tests.runtime.probes import (
    CLOSING,
    SHAPES,
    Hang,
    Limits,
    Probe,
    Probes,
    Raise,
    Shape,
    assert_closed,
)

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_closing_shape = pytest.mark.parametrize("shape", CLOSING, ids=str)


@every_shape
async def test_dependencies_are_passed_in_order(shape: Shape, probes: Probes) -> None:
    first, second = probes.add("first"), probes.add("second")
    probe = probes.add("it", "second", "first", shape=shape)

    async with probes.lifespan() as state:
        assert state["it"] is state[probes.resources["it"]] is probe.value

    assert probe.needs == (second.value, first.value)


@every_closing_shape
async def test_it_is_closed_where_it_was_opened(shape: Shape, probes: Probes) -> None:
    """At each start, in one task or thread and one context."""
    probes.add("before")
    probe = probes.add("it", "before", shape=shape)
    probes.add("after", "it")

    for _ in range(2):
        await probes.run()

    assert (
        probes.journal == ["+before", "+it", "+after", "-after", "-it", "-before"] * 2
    )
    assert_closed(*probes.all(), times=2)
    kind = threading.Thread if shape.blocking else asyncio.Task
    assert all(isinstance(place.runs_in, kind) for place in probe.opened)


@every_shape
async def test_a_failed_start_closes_the_others(
    shape: Shape, probes: Probes, hang: Hang
) -> None:
    error = ValueError("it fails")
    probes.add("before")
    probes.add("sibling", "before", start=hang)
    it = probes.add("it", "before", shape=shape, start=Raise(error))
    probes.add("after", "it", "sibling")

    with pytest.raises(ValueError, match="it fails") as caught:
        await probes.run()

    assert caught.value is error
    assert sorted(probes.journal[:3]) == ["+before", "+it", "+sibling"]
    assert probes.journal[3:] == ["-it", "-sibling", "-before"]
    assert_closed(probes["before"], probes["sibling"])
    assert it.opened == it.closed


@every_shape
async def test_a_hanging_start_is_cancelled(
    shape: Shape, probes: Probes, hang: Hang, limits: Limits
) -> None:
    """A thread cannot be cancelled: it is abandoned, and closes when it returns."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    probes.add("before")
    probe = probes.add("it", "before", shape=shape, start=hang, start_timeout=0.05)

    with pytest.raises(StartupTimeout):
        await probes.run()

    assert probes.phases() == {"before": "stopped", "it": "failed"}
    assert_closed(probes["before"])
    if shape.blocking:
        assert probes.journal == ["+before", "+it", "-before"]
        hang.release()
        thread: Any = probe.opened[0].runs_in
        await asyncio.to_thread(thread.join, 30)
    assert sorted(probes.journal) == ["+before", "+it", "-before", "-it"]
    assert probe.opened == probe.closed


@every_shape
async def test_cancellation_during_the_start_closes_it(
    shape: Shape, probes: Probes, hang: Hang
) -> None:
    """A thread is awaited, and closed as soon as it has opened."""
    probes.add("before")
    probe = probes.add("it", "before", shape=shape, start=hang)
    probes.add("after", "it")
    starting = asyncio.ensure_future(probes.run())
    await hang.reached()

    starting.cancel()
    if shape.blocking:
        await asyncio.sleep(0)
        hang.release()
    await asyncio.wait({starting})

    assert starting.cancelled()
    assert probes.journal == ["+before", "+it", "-it", "-before"]
    assert_closed(probes["before"])
    assert probe.opened == probe.closed


@every_closing_shape
async def test_cancellation_during_the_stop_waits_for_its_end(
    shape: Shape, probes: Probes, hang: Hang
) -> None:
    probes.add("before")
    probes.add("it", "before", shape=shape, stop=hang)
    stopping = asyncio.ensure_future(probes.run())
    await hang.reached()

    for _ in range(3):
        stopping.cancel()
        await asyncio.sleep(0)
    assert not stopping.done()
    hang.release()
    await asyncio.wait({stopping})

    assert stopping.cancelled()
    assert probes.journal == ["+before", "+it", "-it", "-before"]
    assert_closed(*probes.all())


@every_closing_shape
async def test_open_needs_no_lifespan(shape: Shape, probes: Probes) -> None:
    probe = probes.add("it", "dependency", shape=shape)

    async with probes.resources["it"].open("a fake") as value:
        assert probes.journal == ["+it"]

    assert value is probe.value
    assert probe.needs == ("a fake",)
    assert probes.journal == ["+it", "-it"]


@every_closing_shape
async def test_a_refused_value_is_closed(
    shape: Shape, registry: Registry, journal: list[str]
) -> None:
    probe = Probe("it", journal)
    declare: Any = lifespan_resource(StateKey[str]("it"), registry=registry)
    declare(shape.make(probe))

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()

    assert journal == ["+it", "-it"]
    assert_closed(probe)
