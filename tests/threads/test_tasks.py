"""Django's tasks (6.0) beside a lifespan."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, StateKey, current_state

from .conftest import Add

tasks: Any = pytest.importorskip("django.tasks", reason="requires Django 6.0")

DB = StateKey[str]("db")
BACKEND = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}

loops: set[object] = set()


@tasks.task
def read() -> str:
    return current_state()[DB]


@tasks.task
async def aread() -> str:
    loops.add(asyncio.get_running_loop())
    return current_state()[DB]


@pytest.mark.parametrize("task", [read, aread], ids=["sync", "async"])
@pytest.mark.parametrize("how", ["with", "async with"])
def test_a_task_finds_the_running_values(
    task: Any, how: str, registry: Registry, add: Add
) -> None:
    """An async task runs on the loop of the resources."""
    add("db")
    loops.clear()
    lifespan = Lifespan(registry)

    async def run() -> tuple[Any, object]:
        async with lifespan:
            return await task.aenqueue(), lifespan.loop

    with override_settings(TASKS=BACKEND):
        if how == "async with":
            result, loop = asyncio.run(run())
        else:
            with lifespan:
                result, loop = task.enqueue(), lifespan.loop

    assert result.errors == []
    assert result.return_value == "the db"
    assert loops <= {loop}
