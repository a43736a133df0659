"""Optional resources: the lifespan starts without those that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from django_lifespan_typed.exceptions import (
    StartupError,
    StartupTimeout,
)

from .probes import (
    Do,
    Hang,
    Limits,
    Log,
    Probes,
    Raise,
    Step,
    assert_closed,
    logged_errors,
)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        pytest.param(lambda: Raise(OSError("no route")), OSError, id="raises"),
        pytest.param(lambda: Raise(SystemExit(3)), StartupError, id="SystemExit"),
        pytest.param(
            lambda: Raise(asyncio.CancelledError()), StartupError, id="cancelled"
        ),
        pytest.param(Hang, StartupTimeout, id="late"),
    ],
)
async def test_the_lifespan_starts_without_an_optional_resource_that_fails(
    step: Callable[[], Step], kind: type[BaseException], probes: Probes, limits: Limits
) -> None:
    limits(START_TIMEOUT=0.05)
    probes.add("before")
    cache = probes.add("cache", start=step(), optional=True)
    probes.add("after")

    async with (lifespan := probes.lifespan()) as state:
        assert sorted(state) == ["after", "before"]
        phases = probes.phases()
        _, status, _ = lifespan.status()
        before, health, _ = await lifespan.health()
        assert cache.opened == cache.closed

    assert phases == {"before": "running", "cache": "failed", "after": "running"}
    assert (status.optional, status.seconds, status.age) == (True, None, None)
    assert type(status.error) is kind
    assert (before.verdict, health.verdict) == ("pass", "warn")
    assert health.error is status.error
    assert_closed(*probes.all())


# --- Dependents


async def test_dependents_of_a_failed_resource_do_not_start(
    probes: Probes, caplog: Log
) -> None:
    """Their other dependencies do. The log has one traceback."""
    refused = OSError("no route")
    probes.add("root")
    probes.add("left", "root", start=Raise(refused), optional=True)
    probes.add("right", "root")
    probes.add("tip", "left", "right", optional=True)
    probes.add("top", "tip", optional=True)

    async with probes.lifespan():
        found = probes.phases()

    assert found == {
        "root": "running",
        "left": "failed",
        "right": "running",
        "tip": "failed",
        "top": "failed",
    }
    assert probes.journal == ["+root", "+left", "-left", "+right", "-right", "-root"]
    assert logged_errors(caplog) == [refused, None, None]
    for message, name in zip(caplog.messages, ("left", "tip", "top"), strict=True):
        assert repr(name) in message


async def test_a_dependent_is_skipped_although_another_dependency_started_before(
    probes: Probes, hang: Hang
) -> None:
    async def fail_late() -> None:
        await hang.go()
        raise OSError("no route")

    probes.add("slow", start=Do(fail_late), optional=True)
    probes.add("quick", start=Do(hang.release))
    probes.add("both", "quick", "slow", optional=True)

    async with probes.lifespan():
        found = probes.phases()

    assert found == {"slow": "failed", "quick": "running", "both": "failed"}


async def test_a_dependent_of_a_resource_that_crashed_during_the_startup_is_skipped(
    probes: Probes, caplog: Log
) -> None:
    probes.add("crashing", optional=True)
    probes.add("slow", start=Do(lambda: probes.crash("crashing")))
    both = probes.add("both", "slow", "crashing", optional=True)

    async with probes.lifespan():
        found = probes.phases()

    assert found == {"crashing": "crashed", "slow": "running", "both": "failed"}
    assert both.opened == []
    errors = probes.errors()
    assert isinstance(errors["both"], StartupError)
    assert errors["both"].__cause__ is errors["crashing"]
    assert any("'crashing'" in message for message in caplog.messages)


# --- Beside required resources


async def test_a_required_resource_still_fails_the_startup(probes: Probes) -> None:
    probes.add("root")
    probes.add("cache", "root", start=Raise(OSError("no cache")), optional=True)
    probes.add("db", "root", start=Raise(OSError("no database")))

    with pytest.raises(OSError, match="no database"):
        await probes.lifespan().__aenter__()

    assert_closed(*probes.all())
