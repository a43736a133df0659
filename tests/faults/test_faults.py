"""The promises hold in generated scenarios, a family at a time."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from .families import FAMILIES
from .machine import run
from .promises import check
from .scenario import Scenario

# Cases of all families together: in the default run, and in the slow test.
CASES: Final = 450
MORE_CASES: Final = 2800

pytestmark = [
    pytest.mark.timeout(3600),  # long, for a large run
    # Django leaves the body of a cancelled request open, which is found at any time.
    pytest.mark.filterwarnings(
        "ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_promises_hold(family: str, pytestconfig: pytest.Config) -> None:
    check_family(family, pytestconfig.getoption("--fault-cases", CASES) or CASES)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_promises_hold_in_more_cases(family: str) -> None:
    check_family(family, MORE_CASES)


def check_family(family: str, cases: int) -> None:
    """Check the same cases in each run, unless it is large."""
    is_large = cases > MORE_CASES

    @settings(
        max_examples=max(cases // len(FAMILIES), 1),
        derandomize=not is_large,
        database=None,
        deadline=None,
        print_blob=is_large,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(FAMILIES[family])
    def promises_hold(scenario: Scenario) -> None:
        check(run(scenario))

    promises_hold()
