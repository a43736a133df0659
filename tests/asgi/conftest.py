"""Fixtures of the ASGI tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, TypeAlias

import pytest
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.signals import asgi_lifespan, asgi_shutdown, asgi_startup
from tests.runtime.conftest import probes
from tests.runtime.probes import Probes

from .urls import NUMBER

__all__ = ["probes"]

Connect: TypeAlias = Callable[[Signal, Any], None]


@pytest.fixture(autouse=True)
def _own_urls() -> Generator[None]:
    with override_settings(ROOT_URLCONF="tests.asgi.urls"):
        yield


@pytest.fixture(autouse=True)
def _empty_default_registry(default_registry: Registry) -> None:
    """Requests without a registry of their own find nothing in it."""


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
def chained(probes: Probes) -> Registry:
    """A registry with ``db``, and ``repo`` that depends on it; both in the journal."""
    probes.add_chain("db", "repo")
    return probes.registry


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


@pytest.fixture
def signals(connect: Connect, journal: list[str]) -> None:
    """Note the signals in the journal."""
    connect(asgi_lifespan, lambda **_: journal.append("asgi_lifespan"))
    connect(asgi_startup, lambda **_: journal.append("asgi_startup"))
    connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))
