"""Resources with health checks, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from django_lifespan_typed import Lifespan, Registry, Resource, lifespan_resource
from django_lifespan_typed._runtime.health import ResourceHealth

Check = Callable[[Any], Any]


def declare(registry: Registry, check: Check, name: str = "db") -> Resource[Any]:
    """Register a resource with this health check; its value is its name."""

    @lifespan_resource(name, registry=registry)
    async def resource() -> str:
        return name

    resource.health(check)
    return resource


async def one(lifespan: Lifespan) -> ResourceHealth:
    """Return the record of the only resource."""
    (record,) = await lifespan.health()
    return record


class Counted:
    """A health check that is counted, and waits until it may end."""

    def __init__(self) -> None:
        self.times = 0
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.times += 1
        self.began.set()
        await self.may_end.wait()
