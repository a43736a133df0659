"""Django's tasks (6.0) beside a lifespan."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, StateKey, current_state

from .conftest import Add

tasks: Any = pytest.importorskip(
    "django.tasks", reason="django.tasks came with Django 6.0"
)

DB = StateKey[str]("db")
BACKEND = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}

used: list[object] = []


@tasks.task
def read() -> str:
    """What a sync task finds."""
    return current_state()[DB]


@tasks.task
async def aread() -> str:
    """What an async task finds, and where it runs."""
    used.append(asyncio.get_running_loop())
    return current_state()[DB]


TASKS = pytest.mark.parametrize("task", [read, aread], ids=["sync", "async"])


@TASKS
def test_a_task_finds_the_state_of_a_sync_block(
    task: Any, registry: Registry, add: Add
) -> None:
    """With the immediate backend, it runs where it is enqueued."""
    add("db")
    used.clear()
    lifespan = Lifespan(registry)

    with override_settings(TASKS=BACKEND), lifespan:
        result = task.enqueue()
        loop = lifespan.loop

    assert result.errors == []
    assert result.return_value == "the db"
    assert set(used) <= {loop}


@TASKS
async def test_a_task_finds_the_state_of_an_async_block(
    task: Any, registry: Registry, add: Add
) -> None:
    """And an async task runs on its loop."""
    add("db")
    used.clear()

    with override_settings(TASKS=BACKEND):
        async with Lifespan(registry):
            result = await task.aenqueue()

    assert result.errors == []
    assert result.return_value == "the db"
    assert set(used) <= {asyncio.get_running_loop()}
