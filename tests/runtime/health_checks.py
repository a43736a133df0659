"""Resources with health checks, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from django_lifespan_typed import Lifespan, Registry, Resource, lifespan_resource
from django_lifespan_typed._runtime.health import ResourceHealth

Check = Callable[[Any], Any]


def declare(registry: Registry, check: Check, name: str = "db") -> Resource[Any]:
    """A resource whose value is its name, with this health check."""

    @lifespan_resource(name, registry=registry)
    async def resource() -> AsyncGenerator[str]:
        yield name

    resource.health(check)
    return resource


async def one(lifespan: Lifespan) -> ResourceHealth:
    """The record of the one resource."""
    (record,) = await lifespan.health()
    return record


class Counted:
    """A check that counts, and waits until it is released."""

    def __init__(self) -> None:
        self.times = 0
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.times += 1
        self.began.set()
        await self.may_end.wait()
