"""Whatever goes wrong, in whichever order: the promises hold."""

from __future__ import annotations

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from .families import FAMILIES
from .machine import run
from .promises import check
from .scenario import Scenario

CI_CASES: Final = 2800
CASES: Final = int(os.environ.get("FAULT_CASES", CI_CASES))
IS_CI: Final = CASES <= CI_CASES


@pytest.mark.timeout(0 if not IS_CI else 300)
@pytest.mark.parametrize("family", FAMILIES)
def test_promises_hold(family: str) -> None:
    """Hundreds of runs of each family, and each promise of each run."""

    @settings(
        max_examples=max(CASES // len(FAMILIES), 1),
        # The same cases in every run of CI; with a flag, new ones.
        derandomize=IS_CI,
        database=None,
        deadline=None,
        print_blob=not IS_CI,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(FAMILIES[family])
    def promises_hold(scenario: Scenario) -> None:
        check(run(scenario))

    promises_hold()
