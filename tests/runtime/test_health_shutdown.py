"""Health checks at the stop: none is left, and none is begun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._runtime.health import ResourceHealth

from .health_checks import Counted, declare, one
from .probes import Hang, Probes


async def test_the_stop_cancels_a_check(registry: Registry) -> None:
    """Who waits for it is told of the phases, and is not cancelled itself."""
    check = Counted()
    declare(registry, check)
    lifespan = Lifespan(registry)

    async with lifespan:
        asking = asyncio.create_task(one(lifespan))
        await check.began.wait()
    record = await asking

    assert check.times == 1
    assert record.seconds is None
    assert lifespan.is_stopping


async def test_the_stop_waits_for_a_check_in_a_thread(
    registry: Registry, journal: list[str], limits: Callable[..., None]
) -> None:
    """It still uses the value, which is not closed under it."""
    limits(CANCEL_TIMEOUT=60)
    hang = Hang()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "db"
        journal.append("-db")

    @db.health
    def _check(_: object) -> None:
        hang.block()
        journal.append("checked")

    lifespan = Lifespan(registry)
    await lifespan.__aenter__()
    asking = asyncio.create_task(one(lifespan))
    await hang.reached()

    leaving = asyncio.create_task(lifespan.__aexit__(None, None, None))
    await asking
    hang.release()
    await leaving

    assert journal == ["checked", "-db"]


async def test_the_stop_leaves_alone_what_hangs(
    registry: Registry,
    limits: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not for ever: the log says which check it was."""
    limits(CANCEL_TIMEOUT=0.01)
    hang = Hang()
    declare(registry, lambda _: hang.block())
    lifespan = Lifespan(registry)

    async with lifespan:
        asking = asyncio.create_task(one(lifespan))
        await hang.reached()
    await asking
    hang.release()

    assert "the health check of 'db' hangs; it is left alone" in caplog.messages


async def test_no_check_is_made_while_it_stops(registry: Registry) -> None:
    """Asked meanwhile, it says what it knows without one, cached or not."""
    check = Counted()
    check.may_end.set()
    found: list[ResourceHealth] = []
    lifespan = Lifespan(registry)

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "db"
        found.append(await one(lifespan))

    db.health(check)

    async with lifespan:
        pass

    assert check.times == 0
    assert [(record.verdict, record.phase) for record in found] == [
        ("fail", "stopping")
    ]


async def test_a_failed_start_leaves_no_check(
    registry: Registry, probes: Probes
) -> None:
    """Asked for during the start, it is cancelled like the rest."""
    check = Counted()
    hang = Hang()
    declare(registry, check)

    @lifespan_resource("late", registry=registry)
    async def _late() -> AsyncGenerator[str]:
        await hang.go()
        yield "late"

    @lifespan_resource("wrong", registry=registry)
    async def _wrong() -> AsyncGenerator[str]:
        await check.began.wait()
        raise OSError("no route")
        yield "wrong"

    lifespan = Lifespan(registry)
    entering = asyncio.create_task(lifespan.__aenter__())
    await asyncio.sleep(0)
    await hang.reached()
    asking = asyncio.create_task(lifespan.health())

    with pytest.raises(OSError, match="no route"):
        await entering
    records = await asking

    assert check.times == 1
    assert [record.phase for record in records[1:]] == ["starting", "failed"]
    assert lifespan.is_stopping
