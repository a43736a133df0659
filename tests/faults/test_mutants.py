"""The machine itself: a runtime that breaks a rule is caught."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Flaky

from .machine import run
from .mutants import MUTANTS, Mutant
from .promises import check
from .scenario import FAMILIES, Scenario

# Cases within which each mutant is caught; derandomized, so always or never.
WITHIN = 400


class Caught(Exception):
    """A run with the mutant broke a promise, or broke down."""


# A broken runtime leaves tasks behind, which are collected whenever.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_broken_runtime_is_caught(mutant: Mutant) -> None:
    """Each rule, broken once: a run breaks a promise that it keeps otherwise."""
    caught: list[Scenario] = []

    @settings(
        max_examples=WITHIN,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(FAMILIES[mutant.family])
    def promises_hold(scenario: Scenario) -> None:
        try:
            check(run(scenario))
        except BaseException as error:
            caught.append(scenario)
            raise Caught(repr(error)) from error

    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch)
        with pytest.raises((Caught, Flaky)):
            promises_hold()

    check(run(caught[0]))
