"""Task groups of anyio and asyncio, and resources that hold one open."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest

from django_lifespan_typed import Resource

from .probes import Probes
from .shapes import Shape

Spawn = Callable[[Callable[[], Any]], Any]
Group = Callable[[], AbstractAsyncContextManager[Spawn]]


@asynccontextmanager
async def anyio_group() -> AsyncGenerator[Spawn]:
    """Yield a function that starts a child; cancel the children at the end."""
    async with anyio.create_task_group() as group:
        yield group.start_soon
        group.cancel_scope.cancel()


@asynccontextmanager
async def asyncio_group() -> AsyncGenerator[Spawn]:
    """Yield a function that starts a child; cancel the children at the end."""
    group_class: Any = asyncio.TaskGroup  # type: ignore[attr-defined,unused-ignore]
    children: list[asyncio.Task[Any]] = []
    async with group_class() as group:
        yield lambda child: children.append(group.create_task(child()))
        for child in children:
            child.cancel()


needs_task_groups = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="asyncio has no task groups"
)
each_group = pytest.mark.parametrize(
    "group",
    [anyio_group, pytest.param(asyncio_group, marks=needs_task_groups)],
    ids=lambda group: group.__name__,
)


def add_group(
    probes: Probes, group: Group, *needs: str, **options: Any
) -> Resource[Spawn]:
    """Register ``group``, a resource that holds a task group open across its yield."""

    def make(probe: Any) -> Callable[..., AsyncGenerator[Spawn]]:
        async def factory(*_: object) -> AsyncGenerator[Spawn]:
            await probe.open()
            try:
                async with group() as spawn:
                    yield spawn
            finally:
                await probe.close()

        return factory

    probes.add("group", *needs, shape=Shape(make), **options)
    return probes.resources["group"]
