"""The LIFESPAN setting: defaults, and what is refused."""

from __future__ import annotations

from dataclasses import asdict
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
}
KNOWN = ", ".join(DEFAULTS)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"STOP_TIMEOUT": 0.5, "STOP_BUDGET": float("inf")},
        {name: index + 1 for index, name in enumerate(DEFAULTS) if "DETAIL" not in name}
        | {"HEALTH_DETAIL": True},
        MappingProxyType({"REPORT_INTERVAL": 1}),
        {"HEALTH_CACHE": 0},
    ],
    ids=["none", "two", "all", "read-only", "no cache"],
)
def test_settings_that_are_left_out_have_defaults(given: Any) -> None:
    with override_settings(LIFESPAN=given):
        found = asdict(LifespanSettings.read())

    assert found == {**DEFAULTS, **given}
    assert {name for name, value in found.items() if type(value) is not float} == {
        "HEALTH_DETAIL"
    }


@pytest.mark.parametrize(
    ("given", "problem", "fix"),
    [
        *(
            pytest.param(
                {name: 5},
                f"settings.LIFESPAN has no {shown}",
                f"{suggestion}Known: {KNOWN}.",
                id=f"name {name!r}",
            )
            for name, shown, suggestion in (
                (
                    "STRAT_TIMEOUT",
                    "'STRAT_TIMEOUT'",
                    "Did you mean 'START_TIMEOUT'? ",
                ),
                (
                    "start_timeout",
                    "'start_timeout'",
                    "Did you mean 'START_TIMEOUT'? ",
                ),
                ("WORKERS", "'WORKERS'", ""),
                (("hunter2",), "name of type tuple", ""),
            )
        ),
        *(
            pytest.param(
                {"STOP_BUDGET": value},
                f'settings.LIFESPAN["STOP_BUDGET"] {problem}',
                'Write: LIFESPAN = {"STOP_BUDGET": 25}, or float("inf") for no limit.',
                id=f"seconds {value!r}",
            )
            for value, problem in (
                *((value, "is not above 0") for value in (0, -1, float("nan"))),
                *(
                    (value, f"is of type {name}, not a number of seconds")
                    for value, name in (
                        (True, "bool"),
                        (None, "NoneType"),
                        ("hunter2", "str"),
                        ([60], "list"),
                    )
                ),
            )
        ),
        pytest.param(
            {"HEALTH_DETAIL": 1},
            'settings.LIFESPAN["HEALTH_DETAIL"] is of type int, not True or False',
            'Write: LIFESPAN = {"HEALTH_DETAIL": True}, or leave it out.',
            id="boolean",
        ),
        *(
            pytest.param(
                given,
                f"settings.LIFESPAN is of type {name}, not a dictionary",
                'Write: LIFESPAN = {"START_TIMEOUT": 60}',
                id=repr(given),
            )
            for given, name in (
                (None, "NoneType"),
                (60, "int"),
                ("hunter2", "str"),
                ([("a", 1)], "list"),
            )
        ),
    ],
)
def test_invalid_settings_are_refused(given: Any, problem: str, fix: str) -> None:
    with override_settings(LIFESPAN=given), pytest.raises(InvalidSetting) as caught:
        LifespanSettings.read()

    assert isinstance(caught.value, ImproperlyConfigured)
    assert isinstance(caught.value, LifespanError)
    assert str(caught.value) == f"{problem}\n{fix}"


async def test_settings_are_read_at_each_start(probes: Probes) -> None:
    probes.add("it")
    lifespan = probes.lifespan()

    with override_settings(LIFESPAN={"TIMEOUT": 1}), pytest.raises(InvalidSetting):
        await lifespan.__aenter__()
    async with lifespan:
        pass

    assert probes.journal == ["+it", "-it"]
