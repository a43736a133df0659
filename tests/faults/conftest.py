"""The number of generated cases: ``--fault-cases``, or ``FAULT_CASES``."""

from __future__ import annotations

import os

import pytest
from hypothesis.internal.conjecture import providers
from sortedcontainers import SortedSet


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-cases",
        type=int,
        default=None,
        help="number of generated failures; above 2800, new ones in each run",
    )


def pytest_configure(config: pytest.Config) -> None:
    cases = config.getoption("--fault-cases", default=None)
    if cases is not None:
        os.environ["FAULT_CASES"] = str(cases)


@pytest.fixture(autouse=True)
def without_constants_of_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis also draws constants of imported modules; cases would vary by them."""
    none = type(providers.GLOBAL_CONSTANTS)(
        integers=SortedSet(), floats=SortedSet(), bytes=SortedSet(), strings=SortedSet()
    )
    monkeypatch.setattr(providers, "_get_local_constants", lambda: none)
