"""Fixtures of the tests of several loops."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed._runtime.current import running

from .threads import LoopThread


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Generator[None]:
    """After every test: no lifespan is left."""
    running.last_failure = None
    yield
    assert running.loops() == []
    running.last_failure = None


@pytest.fixture
def default(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The default registry, empty for this test and as it was after it."""
    monkeypatch.setattr(default_registry, "_resources", {})
    monkeypatch.setattr(default_registry, "_managers", [])
    return default_registry


@pytest.fixture
def loop_thread() -> Generator[Callable[[], LoopThread]]:
    """Makes threads with a loop, gone when the test ends."""
    made: list[LoopThread] = []

    def making() -> LoopThread:
        made.append(LoopThread())
        return made[-1]

    yield making
    for thread in made:
        thread.end()
