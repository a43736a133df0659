"""The LIFESPAN setting: defaults, and what is refused."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_lifespan_typed._settings import LifespanSettings
from django_lifespan_typed.exceptions import InvalidSetting, LifespanError
from tests.runtime.probes import Probes

DEFAULTS = {
    "START_TIMEOUT": 60.0,
    "STOP_TIMEOUT": 10.0,
    "STOP_BUDGET": 25.0,
    "CANCEL_TIMEOUT": 1.0,
    "RETRY_INTERVAL": 10.0,
    "REPORT_INTERVAL": 5.0,
    "HEALTH_TIMEOUT": 2.0,
    "HEALTH_CACHE": 1.0,
    "HEALTH_DETAIL": False,
    "TASKS": "server",
}
NUMBERS = [name for name, value in DEFAULTS.items() if type(value) is float]
KNOWN = ", ".join(DEFAULTS)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"STOP_TIMEOUT": 0.5, "STOP_BUDGET": float("inf")},
        {name: index + 1 for index, name in enumerate(NUMBERS)}
        | {"HEALTH_DETAIL": True, "TASKS": "command"},
        MappingProxyType({"REPORT_INTERVAL": 1}),
        {"HEALTH_CACHE": 0},
    ],
    ids=["none", "two", "all", "read-only", "no cache"],
)
def test_settings_that_are_left_out_have_defaults(given: Any) -> None:
    with override_settings(LIFESPAN=given):
        found = LifespanSettings.read()._asdict()

    assert found == {**DEFAULTS, **given}
    assert [name for name, value in found.items() if type(value) is float] == NUMBERS


SECONDS = 'Write: LIFESPAN = {"STOP_BUDGET": 25}, or float("inf") for no limit.'
RUNNERS = "Write one of: 'server', 'command'."
DICTIONARY = 'Write: LIFESPAN = {"START_TIMEOUT": 60}'


@pytest.mark.parametrize(
    ("given", "problem", "fix"),
    [
        (
            {"STRAT_TIMEOUT": 5},
            " has no 'STRAT_TIMEOUT'",
            f"Did you mean 'START_TIMEOUT'? Known: {KNOWN}.",
        ),
        (
            {"start_timeout": 5},
            " has no 'start_timeout'",
            f"Did you mean 'START_TIMEOUT'? Known: {KNOWN}.",
        ),
        ({"WORKERS": 5}, " has no 'WORKERS'", f"Known: {KNOWN}."),
        ({("hunter2",): 5}, " has no name of type tuple", f"Known: {KNOWN}."),
        ({"STOP_BUDGET": 0}, '["STOP_BUDGET"] is not above 0', SECONDS),
        ({"STOP_BUDGET": float("nan")}, '["STOP_BUDGET"] is not above 0', SECONDS),
        (
            {"STOP_BUDGET": True},
            '["STOP_BUDGET"] is of type bool, not a number of seconds',
            SECONDS,
        ),
        (
            {"STOP_BUDGET": "hunter2"},
            '["STOP_BUDGET"] is of type str, not a number of seconds',
            SECONDS,
        ),
        (
            {"HEALTH_DETAIL": 1},
            '["HEALTH_DETAIL"] is of type int, not True or False',
            'Write: LIFESPAN = {"HEALTH_DETAIL": True}, or leave it out.',
        ),
        ({"TASKS": "worker"}, "[\"TASKS\"] is 'worker'", RUNNERS),
        ({"TASKS": ["server"]}, '["TASKS"] is list', RUNNERS),
        (None, " is of type NoneType, not a dictionary", DICTIONARY),
        ([("hunter2", 1)], " is of type list, not a dictionary", DICTIONARY),
    ],
)
def test_invalid_settings_are_refused(given: Any, problem: str, fix: str) -> None:
    with override_settings(LIFESPAN=given), pytest.raises(InvalidSetting) as caught:
        LifespanSettings.read()

    assert isinstance(caught.value, ImproperlyConfigured)
    assert isinstance(caught.value, LifespanError)
    assert str(caught.value) == f"settings.LIFESPAN{problem}\n{fix}"


async def test_settings_are_read_at_each_start(probes: Probes) -> None:
    probes.add("it")
    lifespan = probes.lifespan()

    with override_settings(LIFESPAN={"TIMEOUT": 1}), pytest.raises(InvalidSetting):
        await lifespan.__aenter__()
    async with lifespan:
        pass

    assert probes.journal == ["+it", "-it"]
