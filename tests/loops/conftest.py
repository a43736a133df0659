"""Fixtures for tests of several event loops."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from django_lifespan_typed._runtime.current import running

from .threads import LoopThread


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Generator[None]:
    """Check after every test that no lifespan is left."""
    running.last_failure = None
    yield
    assert running.loops() == []
    running.last_failure = None


@pytest.fixture
def loop_thread() -> Generator[Callable[[], LoopThread]]:
    """Make threads with an event loop, which end with the test."""
    made: list[LoopThread] = []

    def making() -> LoopThread:
        made.append(LoopThread())
        return made[-1]

    yield making
    for thread in made:
        thread.end()
