"""Every startup and shutdown has a time limit, and the error names the resource."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from django_lifespan_typed.exceptions import ShutdownTimeout, StartupTimeout

from .probes import Do, Hang, Limits, Log, Probes, Raise, assert_closed, logged_errors

sleep = Do(lambda: asyncio.sleep(0.1))
"""Takes longer than the limits of 0.05 seconds in these tests."""

start_or_stop = pytest.mark.parametrize("when", ["start", "stop"])


@pytest.mark.parametrize(
    ("when", "kind", "waiting"),
    [
        ("start", StartupTimeout, ("dependent 1", "dependent 2")),
        ("stop", ShutdownTimeout, ("dependency 1", "dependency 2")),
    ],
)
async def test_a_late_resource_names_the_others_that_wait(
    when: str,
    kind: type[StartupTimeout | ShutdownTimeout],
    waiting: tuple[str, ...],
    *,
    probes: Probes,
    hang: Hang,
) -> None:
    options: dict[str, Any] = {when: hang, f"{when}_timeout": 0.05}
    probes.add("dependency 2")
    probes.add("dependency 1")
    probes.add("it", "dependency 2", "dependency 1", **options)
    probes.add("dependent 2", "it")
    probes.add("dependent 1", "it")

    with pytest.raises(kind) as caught:
        await probes.run()

    error = caught.value
    assert isinstance(error, TimeoutError)
    assert (error.name, error.seconds, error.waiting) == ("it", 0.05, waiting)
    assert error.location == probes.resources["it"].declared_at
    assert_closed(*probes.opened())
    phases = probes.phases()
    assert phases.pop("it") == "failed"
    assert set(phases.values()) == {"stopped"}


async def test_a_limit_is_that_of_the_steps_of_its_own_resource(
    probes: Probes, limits: Limits
) -> None:
    """It wins over the settings, and excludes waiting for others, and serving."""
    limits(START_TIMEOUT=0.05)
    probes.add("slow", start=sleep, start_timeout=float("inf"))
    probes.add("it", "slow", start_timeout=0.05, stop_timeout=0.05)

    async with probes.lifespan():
        await sleep.go()
        assert probes.phases() == {"slow": "running", "it": "running"}

    assert_closed(*probes.all())


async def test_the_budget_limits_the_whole_shutdown(
    probes: Probes, hang: Hang, limits: Limits
) -> None:
    """Once it is spent, each resource has only the time for its cancellation."""
    limits(STOP_BUDGET=0.01, STOP_TIMEOUT=3600, CANCEL_TIMEOUT=0.05)
    probes.add_chain("a", "b", "c")
    for probe in probes.all():
        probe.stop = hang

    with pytest.raises(BaseException) as caught:
        await probes.run()

    errors: list[Any] = list(getattr(caught.value, "exceptions", ()))
    assert [(error.name, error.seconds) for error in errors] == [
        (name, 0.05) for name in "cba"
    ]
    assert probes.journal[3:] == ["-c", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_late_shutdown_is_logged_once(
    probes: Probes, hang: Hang, caplog: Log
) -> None:
    probes.add("it", stop=hang, stop_timeout=0.05)
    probes.add("other", stop=Raise(ValueError("other")))

    with pytest.raises(BaseException) as caught:
        await probes.run()

    errors: list[Any] = list(getattr(caught.value, "exceptions", ()))
    assert [type(error) for error in errors] == [ValueError, ShutdownTimeout]
    assert set(logged_errors(caplog)) == set(errors)
    assert len(caplog.records) == 2
