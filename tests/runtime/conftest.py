"""Fixtures of the tests of running lifespans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import ExitStack

import pytest
from django.test import override_settings

from django_lifespan_typed import Registry
from django_lifespan_typed._runtime.current import running

from .probes import Hang, Probes, Stubborn, lifespan_threads


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncGenerator[None]:
    """After every test: no task, no thread and no lifespan is left."""
    running.last_failure = None
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for thread in lifespan_threads():
        thread.join(30)
    assert not left
    assert lifespan_threads() == []
    assert running.loops() == []
    running.last_failure = None


@pytest.fixture
def probes(registry: Registry, journal: list[str]) -> Probes:
    """Probes that are registered in ``registry`` and write to ``journal``."""
    return Probes(registry, journal)


@pytest.fixture
def limits() -> Generator[Callable[..., None]]:
    """Set ``settings.LIFESPAN`` for this test."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(override_settings(LIFESPAN=given))


@pytest.fixture
def hang(_nothing_is_left: None) -> Generator[Hang]:
    """A step that waits until it is released, at the end of the test at latest."""
    hang = Hang()
    yield hang
    hang.release()


@pytest.fixture
def stubborn(_nothing_is_left: None) -> Generator[Stubborn]:
    """The same, but it ignores cancellations."""
    stubborn = Stubborn()
    yield stubborn
    stubborn.release()
