"""Promises: statements that hold for every run, whatever goes wrong in it."""

from __future__ import annotations

from tests.faults.outcome import Outcome

from . import failures, health, jobs, limits, protocol, resources

MODULES = (resources, jobs, limits, protocol, failures, health)


def check(outcome: Outcome) -> None:
    """Assert every promise."""
    for module in MODULES:
        for promise in module.PROMISES:
            promise(outcome)
