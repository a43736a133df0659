"""Fixtures of the tests of background tasks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from django_lifespan_typed import LifespanTask, Registry, lifespan_task
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed._tasks import supervisor
from tests.runtime.conftest import limits
from tests.runtime.databases import database

from .engine import Engine
from .works import Declare, Work

__all__ = ["database", "limits"]


@pytest.fixture(autouse=True)
def _without_jitter(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setattr(supervisor, "uniform", lambda low, high: (low + high) / 2)
    yield
    assert running.loops() == []


@pytest.fixture
def engine() -> Engine:
    """The engine of the locks of this test."""
    return Engine()


@pytest.fixture
def task(registry: Registry) -> Declare:
    """Declares a task of the function of a ``Work``."""

    def declare(name: str, work: Work, **options: Any) -> LifespanTask[...]:
        declaration: Any = lifespan_task(name, **{"registry": registry, **options})
        declared: LifespanTask[...] = declaration(work.function)
        return declared

    return declare
