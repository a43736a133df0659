"""The gauge of the resources in each phase."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest

from django_lifespan_typed import Lifespan
from django_lifespan_typed._runtime.status import Phase
from django_lifespan_typed.opentelemetry import uninstrument
from tests.runtime.probes import Hang, Probes, Raise
from tests.threads.scripts import running_script
from tests.threads.test_fork import FORK

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
    assert telemetry.phases() == {}


async def test_a_phase_without_resources_is_reported_as_zero(
    telemetry: Telemetry,
) -> None:
    """A backend may otherwise show the last crash for hours."""
    assert telemetry.points() == dict.fromkeys(get_args(Phase), 0)


async def test_all_lifespans_of_the_process_are_counted(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add_chain("db", "cache")

    def in_a_thread() -> dict[str, int] | None:
        with Lifespan(probes.registry, only=(probes.resources["db"],)):
            return telemetry.phases()

    async with probes.lifespan():
        both = await asyncio.to_thread(in_a_thread)

    assert both == {"running": 3}


async def test_a_failed_startup_is_not_counted(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("broken", start=Raise(LookupError()))

    with pytest.raises(LookupError):
        await probes.run()

    assert telemetry.phases() == {}


async def test_nothing_is_reported_after_uninstrument(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")

    async with probes.lifespan():
        uninstrument()
        without = telemetry.points()
        telemetry.instrument()
        again = telemetry.phases()

    assert not without
    assert again == {"running": 1}


IN_A_FORK = """
from tests.opentelemetry.conftest import Telemetry

telemetry = Telemetry()
telemetry.instrument()

def child() -> None:
    say(f"in the child: {telemetry.phases()}")
    with Lifespan():
        say(f"in a block of the child: {telemetry.phases()}")
    say(f"spans of the child: {[name for name, _ in telemetry.tree()]}")

with Lifespan():
    forked(child)
    say(f"in the parent: {telemetry.phases()}")
say(f"spans of the parent: {[name for name, _ in telemetry.tree()]}")
"""


def test_a_forked_child_reports_its_own_lifespans() -> None:
    """The exporter in memory is copied with the process."""
    with running_script(FORK + IN_A_FORK) as script:
        code = script.wait()

    up = ["start pool", "lifespan startup"]
    both = [*up, "shut down pool", "lifespan shutdown"]
    assert code == 0, script.output
    assert script.found("(?:in|spans of) .*: .*") == [
        "in the child: {}",
        "in a block of the child: {'running': 1}",
        f"spans of the child: {[*up, *both]}",
        "in the parent: {'running': 1}",
        f"spans of the parent: {both}",
    ]
