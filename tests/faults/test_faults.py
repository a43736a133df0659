"""The promises hold in generated scenarios, a family at a time."""

from __future__ import annotations

import pytest
from hypothesis import given

from .cases import CASES, MORE_CASES, TIMEOUT, generate
from .families import FAMILIES
from .machine import run
from .promises import check
from .scenario import Scenario

pytestmark = pytest.mark.timeout(TIMEOUT)


@pytest.mark.parametrize("family", FAMILIES)
def test_promises_hold(family: str) -> None:
    check_family(family, CASES)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_promises_hold_in_more_cases(family: str) -> None:
    check_family(family, MORE_CASES)


def check_family(family: str, cases: int) -> None:
    @generate(cases // len(FAMILIES))
    @given(FAMILIES[family])
    def promises_hold(scenario: Scenario) -> None:
        check(run(scenario))

    promises_hold()
