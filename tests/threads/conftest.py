"""Fixtures for tests of sync code and its event loop thread."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed._threads.asgiref import use_loop

Add = Callable[..., Resource[str]]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Generator[None]:
    """Check after every test that no loop thread and no lifespan is left."""
    before = use_loop(None)
    running.last_failure = None
    yield
    assert use_loop(before) is None
    assert loop_threads() == []
    assert running.loops() == []
    running.last_failure = None


@pytest.fixture
def add(registry: Registry, journal: list[str]) -> Add:
    """Register a resource of a given name, noted in the journal."""

    def adding(name: str, *needs: StateKey[Any], value: Any = None) -> Resource[str]:
        async def resource(*_: object) -> AsyncGenerator[str]:
            journal.append(f"+{name}")
            yield value or f"the {name}"
            journal.append(f"-{name}")

        declare: Any = lifespan_resource(name, registry=registry, needs=needs)
        made: Resource[str] = declare(resource)
        return made

    return adding


def loop_threads() -> list[threading.Thread]:
    """Return the threads that run an event loop for sync code."""
    return [
        thread for thread in threading.enumerate() if thread.name == "lifespan loop"
    ]
