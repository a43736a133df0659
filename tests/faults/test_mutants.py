"""The machine itself: a runtime that breaks a rule is caught."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from tests.core.probes import lifespan_threads

from .families import FAMILIES
from .machine import run
from .mutants import MUTANTS, Mutant
from .promises import check
from .scenario import Scenario

# Cases within which each mutant is caught, from some seeds: those of one are alike.
WITHIN = 400
SEEDS = range(8)


class Caught(Exception):
    """A run with the mutant broke a promise, or broke down."""


@pytest.fixture
def _left_behind() -> Generator[None]:
    """What a broken runtime leaves is collected here, and complained of in no other."""
    yield
    gc.collect()


@pytest.mark.usefixtures("_left_behind")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_broken_runtime_is_caught(mutant: Mutant) -> None:
    """Each rule, broken once: a run breaks a promise that it keeps otherwise."""
    caught: list[Scenario] = []
    threads = lifespan_threads()

    @settings(
        max_examples=WITHIN // len(SEEDS),
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
            for number in SEEDS:
                seed(number)(promises_hold)()

    assert lifespan_threads() == threads
    check(run(caught[0]))
