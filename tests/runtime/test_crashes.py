"""A resource that ends while it is in use has crashed, and that is noticed."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed.exceptions import ResourceCrashed

from .probes import (
    Do,
    Hang,
    Log,
    Probes,
    assert_closed,
    logged_errors,
    until,
)
from .task_groups import Group, add_group, each_group

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

ERROR = ValueError("of the child")


async def fail() -> None:
    """Run as a child of a task group."""
    raise ERROR


@each_group
async def test_a_crash_is_logged_once_and_the_other_resources_keep_running(
    group: Group, probes: Probes, caplog: Log
) -> None:
    """It does not fail the shutdown: it was reported when it happened."""
    probes.add("dependency")
    resource = add_group(probes, group, "dependency")
    probes.add("user", "group")
    lifespan = probes.lifespan()

    async with lifespan as state:
        state[resource](fail)
        await until(lifespan, "group", "crashed")
        phases_inside = probes.phases()
        probes.journal.append("serving")

    assert list(phases_inside.values()) == ["running", "crashed", "running"]
    assert list(probes.phases().values()) == ["stopped", "crashed", "stopped"]
    assert probes.journal[3:] == ["-group", "serving", "-user", "-dependency"]
    assert_closed(*probes.all())

    (record,) = caplog.records
    (error,) = logged_errors(caplog)
    crash = probes.errors()["group"]
    assert (record.levelname, record.getMessage()) == ("ERROR", str(crash))
    assert isinstance(error, BaseExceptionGroup)
    assert error.exceptions == (ERROR,)
    assert isinstance(crash, ResourceCrashed)
    assert (crash.name, crash.location) == ("group", resource.declared_at)
    assert crash.__cause__ is error


async def test_a_cancelled_scope_ends_its_resource(
    registry: Registry, caplog: Log
) -> None:
    """There is no error, so no traceback."""

    @lifespan_resource("scope", registry=registry)
    async def scope() -> AsyncGenerator[anyio.CancelScope]:
        with anyio.CancelScope() as scope:
            yield scope

    lifespan = Lifespan(registry)
    async with lifespan as state:
        state[scope].cancel()
        await until(lifespan, "scope", "crashed")

    assert logged_errors(caplog) == [None]
    assert "'scope'" in caplog.text


@each_group
async def test_a_crash_during_the_startup_fails_it(
    group: Group, probes: Probes, hang: Hang
) -> None:
    """No dependent starts with a dead value."""

    async def crash() -> None:
        spawn: Any = slow.needs[0]
        spawn(fail)
        await hang.go()

    resource = add_group(probes, group)
    slow = probes.add("slow", "group", start=Do(crash))
    later = probes.add("later", "slow")

    with pytest.raises(ResourceCrashed) as caught:
        await probes.run()

    assert (caught.value.name, caught.value.location) == ("group", resource.declared_at)
    assert later.opened == []
    assert list(probes.phases().values()) == ["crashed", "stopped", "stopped"]
