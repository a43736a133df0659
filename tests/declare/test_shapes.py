"""Every shape of a factory, through everything that may happen to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import (
    InvalidValue,
    ShutdownTimeout,
    StartupTimeout,
)

from .probes import (
    CLOSING,
    SHAPES,
    Hang,
    Probe,
    Probes,
    Raise,
    Shape,
    assert_closed,
    phases,
)

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_shape_that_closes = pytest.mark.parametrize("shape", CLOSING, ids=str)


@every_shape
async def test_gives_its_value_and_gets_its_needs(
    shape: Shape, registry: Registry, probes: Probes
) -> None:
    """The value is on the state; the needs are passed in the order of ``needs=``."""
    first, second = probes.add("first"), probes.add("second")
    probe = probes.add("it", "second", "first", shape=shape)

    async with Lifespan(registry) as state:
        found = state["it"], state[probes.resources["it"]]

    assert found == (probe.value, probe.value)
    assert probe.needs == (second.value, first.value)


@every_shape_that_closes
async def test_is_closed_where_it_was_opened(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Once, in the same task (or thread) and the same context."""
    probes.add("before")
    probe = probes.add("it", "before", shape=shape)
    probes.add("after", "it")

    async with Lifespan(registry):
        here = asyncio.current_task()

    assert journal == ["+before", "+it", "+after", "-after", "-it", "-before"]
    assert_closed(*probes.all())
    kind = threading.Thread if shape.blocking else asyncio.Task
    assert isinstance(probe.opened[0].runs_in, kind)
    assert here not in {place.runs_in for p in probes.all() for place in p.opened}


@every_shape
async def test_a_failed_start_closes_what_had_opened(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """A sibling that starts still is cancelled, what had started is stopped."""
    error = ValueError("it fails")
    probes.add("before")
    probes.add("sibling", "before", start=hang)
    probes.add("it", "before", shape=shape, start=Raise(error))
    probes.add("after", "it", "sibling")

    with pytest.raises(ValueError, match="it fails") as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value is error
    assert sorted(journal[:3]) == ["+before", "+it", "+sibling"]
    assert journal[3:] == ["-it", "-sibling", "-before"]
    assert_closed(probes["before"], probes["sibling"])
    assert probes["it"].opened == probes["it"].closed


@every_shape_that_closes
async def test_a_failed_stop_keeps_nobody_from_closing(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """The rest is stopped in order; the error is raised as it is."""
    error = ValueError("it fails")
    probes.add("before")
    probes.add("it", "before", shape=shape, stop=Raise(error))
    probes.add("after", "it")
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="it fails") as caught:
        async with lifespan:
            pass

    assert caught.value is error
    assert journal == ["+before", "+it", "+after", "-after", "-it", "-before"]
    assert_closed(*probes.all())
    assert phases(lifespan) == {"before": "stopped", "it": "failed", "after": "stopped"}


@every_shape
async def test_a_start_that_hangs_is_cut_off(
    shape: Shape,
    registry: Registry,
    probes: Probes,
    *,
    journal: list[str],
    hang: Hang,
    limits: Callable[..., None],
) -> None:
    """A blocking one cannot be cut off: it is given up, and closed when it returns."""
    limits(STOP_TIMEOUT=0.05, CANCEL_TIMEOUT=0.05)
    probes.add("before")
    probe = probes.add("it", "before", shape=shape, start=hang, start_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(StartupTimeout):
        await lifespan.__aenter__()

    assert phases(lifespan) == {"before": "stopped", "it": "failed"}
    assert_closed(probes["before"])
    if shape.blocking:
        assert journal == ["+before", "+it", "-before"]
        hang.release()
        thread = probe.opened[0].runs_in
        assert isinstance(thread, threading.Thread)
        await asyncio.to_thread(thread.join, 30)
    assert sorted(journal) == ["+before", "+it", "-before", "-it"]
    assert probe.opened == probe.closed


@every_shape_that_closes
async def test_a_stop_that_hangs_is_cut_off(
    shape: Shape,
    registry: Registry,
    probes: Probes,
    journal: list[str],
    hang: Hang,
) -> None:
    """What it needs is closed all the same."""
    probes.add("before")
    probes.add("it", "before", shape=shape, stop=hang, stop_timeout=0.05)
    lifespan = Lifespan(registry)

    with pytest.raises(ShutdownTimeout):
        async with lifespan:
            pass

    assert phases(lifespan) == {"before": "stopped", "it": "failed"}
    assert_closed(probes["before"])
    assert journal[-1] == "-before"
    if not shape.blocking:
        assert_closed(*probes.all())


@every_shape
async def test_is_closed_when_cancelled_while_it_starts(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """A blocking one is waited for, and closed as soon as it has opened."""
    probes.add("before")
    probe = probes.add("it", "before", shape=shape, start=hang)
    probes.add("after", "it")
    starting = asyncio.ensure_future(Lifespan(registry).__aenter__())
    await hang.reached()

    starting.cancel()
    if shape.blocking:
        await asyncio.sleep(0)
        hang.release()
    await asyncio.wait({starting})

    assert starting.cancelled()
    assert journal == ["+before", "+it", "-it", "-before"]
    assert_closed(probes["before"])
    assert probe.opened == probe.closed


@every_shape_that_closes
async def test_is_closed_when_cancelled_while_it_runs(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Cancellation of the lifespan's task is a shutdown."""
    probes.add("before")
    probes.add("it", "before", shape=shape)
    running: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with Lifespan(registry):
            running.set_result(None)
            await asyncio.Event().wait()

    serving = asyncio.ensure_future(serve())
    await running
    serving.cancel()
    await asyncio.wait({serving})

    assert serving.cancelled()
    assert journal == ["+before", "+it", "-it", "-before"]
    assert_closed(*probes.all())


@every_shape_that_closes
async def test_is_closed_when_cancelled_while_it_stops(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """However often: the stop goes on to its end, and raises the cancellation then."""
    probes.add("before")
    probes.add("it", "before", shape=shape, stop=hang)
    lifespan = Lifespan(registry)
    await lifespan.__aenter__()
    stopping = asyncio.ensure_future(lifespan.__aexit__(None, None, None))
    await hang.reached()

    for _ in range(3):
        stopping.cancel()
        await asyncio.sleep(0)
    assert not stopping.done()
    hang.release()
    await asyncio.wait({stopping})

    assert stopping.cancelled()
    assert journal == ["+before", "+it", "-it", "-before"]
    assert_closed(*probes.all())


@every_shape_that_closes
async def test_open_makes_a_value_without_a_lifespan(
    shape: Shape, probes: Probes, journal: list[str]
) -> None:
    """``Resource.open`` takes the needs as they are given: a test's fakes."""
    probe = probes.add("it", "needed", shape=shape)

    async with probes.resources["it"].open("a fake") as value:
        inside = list(journal)

    assert value is probe.value
    assert probe.needs == ("a fake",)
    assert inside == ["+it"]
    assert journal == ["+it", "-it"]


@pytest.mark.parametrize(
    "shape",
    # A bare iterator has no way to be told of an error.
    [shape for shape in CLOSING if "iterator" not in str(shape)],
    ids=str,
)
async def test_is_closed_when_its_value_is_refused(
    shape: Shape, registry: Registry, journal: list[str]
) -> None:
    """A value of the wrong type is closed like any other."""
    probe = Probe("it", journal)
    declare: Any = lifespan_resource(StateKey[str]("it"), registry=registry)
    declare(shape.make(probe))

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()

    assert journal == ["+it", "-it"]
    assert_closed(probe)


@every_shape_that_closes
async def test_starts_again_after_it_was_stopped(
    shape: Shape, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Each start makes everything anew."""
    probe = probes.add("it", shape=shape)
    lifespan = Lifespan(registry)

    for _ in range(3):
        async with lifespan as state:
            assert state["it"] is probe.value

    assert journal == ["+it", "-it"] * 3
    assert_closed(probe, times=3)


async def test_a_class_that_blocks_is_made_in_its_thread_too(
    registry: Registry,
) -> None:
    """Its constructor may connect."""
    threads: list[threading.Thread] = []

    @lifespan_resource("it", registry=registry)
    class _Connection:
        def __init__(self) -> None:
            threads.append(threading.current_thread())

        def __enter__(self) -> int:
            threads.append(threading.current_thread())
            return 1

        def __exit__(self, *_: object) -> None:
            threads.append(threading.current_thread())

    async with Lifespan(registry):
        pass

    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threading.current_thread() not in threads
