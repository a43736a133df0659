"""The option for the number of generated cases, and fixtures for all of them."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis.internal.conjecture import providers
from sortedcontainers import SortedSet


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-cases",
        type=int,
        help="number of generated failures; above 2800, new ones in each run",
    )


@pytest.fixture(autouse=True)
def without_constants_of_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis also draws constants of imported modules; cases would vary by them."""
    none = type(providers.GLOBAL_CONSTANTS)(
        integers=SortedSet(), floats=SortedSet(), bytes=SortedSet(), strings=SortedSet()
    )
    monkeypatch.setattr(providers, "_get_local_constants", lambda: none)


@pytest.fixture(autouse=True)
def collected() -> Generator[None]:
    """Collect the garbage of a test; otherwise a later test would report it."""
    yield
    gc.collect()
