"""How many cases: ``pytest tests/faults --fault-cases 100000``, or FAULT_CASES."""

from __future__ import annotations

import os

import pytest


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
