"""How many cases Hypothesis generates, and how."""

from __future__ import annotations

import os
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings

CASES: Final = int(os.environ.get("FAULT_CASES", "600"))
"""Cases of all families together in the default run."""
MORE_CASES: Final = 2800
"""Cases of the slow test."""
IS_LARGE: Final = CASES > MORE_CASES

# Seconds for one test of a family; 0 for no limit, which a large run would reach.
TIMEOUT: Final = 0 if IS_LARGE else 300


def generate(cases: int) -> Any:
    """Return settings for *cases* cases: the same in each run, unless it is large."""
    return settings(
        max_examples=max(cases, 1),
        derandomize=not IS_LARGE,
        database=None,
        deadline=None,
        print_blob=IS_LARGE,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
