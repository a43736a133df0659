"""Health checks during a shutdown: none is left running, and none begins."""

from __future__ import annotations

import asyncio

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed._runtime.health import ResourceHealth

from .health_checks import Counted, declare, one
from .probes import Do, Hang, Limits, Log, Probes


async def test_the_shutdown_cancels_a_check(registry: Registry) -> None:
    """Its caller gets the phases."""
    check = Counted()
    declare(registry, check)

    async with (lifespan := Lifespan(registry)):
        asking = asyncio.create_task(one(lifespan))
        await check.began.wait()
    record = await asking

    assert check.times == 1
    assert record.seconds is None


async def test_the_shutdown_waits_for_a_check_in_a_thread(
    probes: Probes, hang: Hang, limits: Limits
) -> None:
    """The check still uses the value."""
    limits(CANCEL_TIMEOUT=60)
    probes.add("db")

    @probes.resources["db"].health
    def _check(_: object) -> None:
        hang.block()
        probes.journal.append("checked")

    lifespan = probes.lifespan()
    await lifespan.__aenter__()
    asking = asyncio.create_task(one(lifespan))
    await hang.reached()

    leaving = asyncio.create_task(lifespan.__aexit__(None, None, None))
    await asking
    hang.release()
    await leaving

    assert probes.journal == ["+db", "checked", "-db"]


async def test_the_shutdown_abandons_a_check_that_hangs(
    registry: Registry, hang: Hang, limits: Limits, caplog: Log
) -> None:
    limits(CANCEL_TIMEOUT=0.01)
    declare(registry, lambda _: hang.block())

    async with (lifespan := Lifespan(registry)):
        asking = asyncio.create_task(one(lifespan))
        await hang.reached()
    await asking
    hang.release()

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "'db'" in record.getMessage()


async def test_no_check_begins_during_the_shutdown(probes: Probes) -> None:
    check = Counted()
    check.may_end.set()
    found: list[ResourceHealth] = []

    async def ask() -> None:
        found.append(await one(lifespan))

    probes.add("db", stop=Do(ask))
    probes.resources["db"].health(check)

    async with (lifespan := probes.lifespan()):
        pass

    assert check.times == 0
    assert [(r.verdict, r.phase) for r in found] == [("fail", "stopping")]
