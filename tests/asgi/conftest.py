"""Fixtures of the ASGI tests."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import Registry
from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed._runtime.current import running


@pytest.fixture(autouse=True)
def _own_urls() -> Generator[None]:
    with override_settings(ROOT_URLCONF="tests.asgi.urls"):
        yield


@pytest.fixture(autouse=True)
def default(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The default registry, empty for this test and as it was after it."""
    monkeypatch.setattr(default_registry, "_resources", {})
    monkeypatch.setattr(default_registry, "_managers", [])
    return default_registry


@pytest.fixture(autouse=True)
def _no_earlier_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "last_failure", None)


@pytest.fixture
def connect() -> Generator[Callable[[Signal, Any], None]]:
    """Connect a receiver to a signal, for this test only."""
    connected: list[tuple[Signal, Any]] = []

    def connecting(signal: Signal, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connecting
    for signal, receiver in connected:
        signal.disconnect(receiver)
