"""How many cases: ``pytest tests/faults --fault-cases 100000``, or FAULT_CASES."""

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
        help="cases of the fault machine; more than in CI are new ones every time",
    )


def pytest_configure(config: pytest.Config) -> None:
    cases = config.getoption("--fault-cases", default=None)
    if cases is not None:
        os.environ["FAULT_CASES"] = str(cases)


@pytest.fixture(autouse=True)
def the_same_cases_whatever_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis also draws the constants of each module that other tests import."""
    none = type(providers.GLOBAL_CONSTANTS)(
        integers=SortedSet(), floats=SortedSet(), bytes=SortedSet(), strings=SortedSet()
    )
    monkeypatch.setattr(providers, "_get_local_constants", lambda: none)
