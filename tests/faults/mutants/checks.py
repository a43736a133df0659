"""Health checks that each break one rule."""

from __future__ import annotations

from .mutant import Mutant

MUTANTS = (
    Mutant(
        "health checks have no limit",
        "_health:HealthChecks._within_limit",
        "timeout=finite(limit)",
        "timeout=None",
        "health",
    ),
    Mutant(
        "probes overload",
        "_health:HealthChecks.results",
        "monotonic() >= self._good_until",
        "True",
        "health",
    ),
    Mutant(
        "a check that hangs is made again",
        "_health:HealthChecks._check",
        "if name in self._open:",
        "if False:",
        "probes",
    ),
    Mutant(
        "a check may end the loop",
        "_health:HealthChecks._ask",
        "except BaseException as error:",
        "except Exception as error:",
        "health",
    ),
    Mutant(
        "False is healthy",
        "_health:HealthChecks._ask",
        "if result is False:",
        "if False:",
        "probes",
    ),
    Mutant(
        "health is asked of what does not run",
        "_health:HealthChecks._check",
        "if not owner.usable or check is None:",
        "if check is None:",
        "probes",
    ),
    Mutant(
        "checks are in the context of who asks",
        "_health:HealthChecks._begin",
        "self._context.copy().run(",
        "(lambda made: made())(",
        "health",
    ),
    Mutant(
        "checks are not cancelled at the end",
        "_health:HealthChecks.end",
        "if isinstance(task, asyncio.Task):",
        "if False:",
        "health",
    ),
    Mutant(
        "a check that hangs is left alone in silence",
        "_health:HealthChecks.end",
        "hangs; it is left alone",
        "hangs",
        "health",
    ),
)
