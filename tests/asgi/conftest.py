"""Fixtures of the ASGI tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, TypeAlias

import pytest
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed._runtime.current import running

from .urls import NUMBER

Connect: TypeAlias = Callable[[Signal, Any], None]


@pytest.fixture(autouse=True)
def _own_urls() -> Generator[None]:
    with override_settings(ROOT_URLCONF="tests.asgi.urls"):
        yield


@pytest.fixture(autouse=True)
def default(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The default registry, empty during this test and restored after it."""
    monkeypatch.setattr(default_registry, "_resources", {})
    monkeypatch.setattr(default_registry, "_managers", [])
    return default_registry


@pytest.fixture(autouse=True)
def _no_earlier_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "last_failure", None)


@pytest.fixture
def numbered(registry: Registry, journal: list[str]) -> Registry:
    """A registry with the one resource that the views read, noted in the journal."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        journal.append("+number")
        yield 7
        journal.append("-number")

    return registry


@pytest.fixture
def chained(registry: Registry, journal: list[str]) -> Registry:
    """A registry with ``db``, and ``repo`` that depends on it; both in the journal."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    @lifespan_resource("repo", needs=(db,), registry=registry)
    async def repo(db: str) -> AsyncGenerator[str]:
        journal.append("+repo")
        yield "repo"
        journal.append("-repo")

    return registry


@pytest.fixture
def connect() -> Generator[Connect]:
    """Connect a receiver to a signal, for this test only."""
    connected: list[tuple[Signal, Any]] = []

    def connecting(signal: Signal, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connecting
    for signal, receiver in connected:
        signal.disconnect(receiver)
