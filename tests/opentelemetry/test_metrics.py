"""The gauges of resources and tasks, and the counter of restarts."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import get_args

from django_lifespan_typed import Lifespan, Registry, lifespan_task
from django_lifespan_typed._runtime.status import Phase
from tests.runtime.probes import Hang, Probes, Raise

from .conftest import Telemetry


async def test_resources_are_counted_by_phase(
    telemetry: Telemetry, probes: Probes, hang: Hang
) -> None:
    probes.add("db")
    probes.add("cache", start=Raise(LookupError()), optional=True)
    probes.add("slow", "db", start=hang)
    probes.add("session", "slow")
    lifespan = probes.lifespan()

    starting = asyncio.ensure_future(lifespan.__aenter__())
    await hang.reached()
    during = telemetry.phases()
    hang.release()
    await starting
    running = telemetry.phases()
    await probes.crash("db")
    crashed = telemetry.phases()
    await lifespan.__aexit__(None, None, None)

    assert during == {"running": 1, "failed": 1, "starting": 1, "waiting": 1}
    assert running == {"running": 3, "failed": 1}
    assert crashed == {"running": 2, "failed": 1, "crashed": 1}
    # A backend might show the last crash for hours.
    assert telemetry.points() == dict.fromkeys(get_args(Phase), 0)


async def test_tasks_and_their_restarts_are_counted_over_all_lifespans(
    telemetry: Telemetry, registry: Registry
) -> None:
    failures = iter((LookupError(), LookupError()))
    running: asyncio.Queue[str] = asyncio.Queue()

    @lifespan_task("feed", registry=registry, backoff=(0.001, 0.001))
    async def feed() -> None:
        for error in failures:
            raise error
        running.put_nowait("feed")
        await asyncio.Event().wait()

    @lifespan_task("rates", registry=registry)
    async def rates() -> None:
        running.put_nowait("rates")
        await asyncio.Event().wait()

    async with Lifespan(registry, run_tasks=True), Lifespan(registry):
        for _ in ("feed", "rates"):
            await running.get()
        resources = telemetry.phases()
        restarts = telemetry.metric("lifespan.task.restarts", "lifespan.task.name")
        phases = telemetry.metric(
            "lifespan.tasks", "lifespan.task.name", "lifespan.task.phase"
        )

    assert resources == {"running": 4}
    assert restarts == {"feed": 2, "rates": 0}
    for name, phase in product(("feed", "rates"), ("running", "standby")):
        assert phases[name, phase] == 1
    assert len(phases) == 10  # the others are zero
    assert sum(phases.values()) == 4
    assert telemetry.metric("lifespan.task.restarts") == {}
