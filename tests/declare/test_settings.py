"""``settings.LIFESPAN``: all optional; what is unknown is refused."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed._settings import LifespanSettings
from django_lifespan_typed.exceptions import InvalidSetting, LifespanError

from .probes import Probes

DEFAULTS = {
    "START_TIMEOUT": 60.0,
    "STOP_TIMEOUT": 10.0,
    "STOP_BUDGET": 25.0,
    "CANCEL_TIMEOUT": 1.0,
    "REPORT_INTERVAL": 5.0,
    "HEALTH_TIMEOUT": 2.0,
    "HEALTH_CACHE": 1.0,
    "HEALTH_DETAIL": False,
}
KNOWN = ", ".join(DEFAULTS)


def test_has_defaults() -> None:
    """A project need not have the setting."""
    assert asdict(LifespanSettings.read()) == DEFAULTS


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"START_TIMEOUT": 5},
        {"STOP_TIMEOUT": 0.5, "STOP_BUDGET": float("inf")},
        {name: index + 1 for index, name in enumerate(DEFAULTS) if "DETAIL" not in name}
        | {"HEALTH_DETAIL": True},
        MappingProxyType({"REPORT_INTERVAL": 1}),
        {"HEALTH_CACHE": 0},
    ],
    ids=["none", "one", "two", "all", "read-only", "no cache"],
)
def test_takes_what_is_given(given: Any) -> None:
    """The rest has its default; whole numbers are seconds too."""
    with override_settings(LIFESPAN=given):
        found = LifespanSettings.read()

    assert asdict(found) == {**DEFAULTS, **given}
    assert {
        name for name, value in asdict(found).items() if type(value) is not float
    } == {"HEALTH_DETAIL"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param(
            "STRAT_TIMEOUT", "Did you mean 'START_TIMEOUT'? ", id="transposed"
        ),
        pytest.param(
            "start_timeout", "Did you mean 'START_TIMEOUT'? ", id="lower case"
        ),
        pytest.param("WORKERS", "", id="nothing alike"),
        pytest.param(5, "", id="no name"),
    ],
)
def test_refuses_unknown_names(name: Any, meant: str) -> None:
    """With a suggestion, where there is one, and all the names that there are."""
    with override_settings(LIFESPAN={name: 5}), pytest.raises(InvalidSetting) as caught:
        LifespanSettings.read()

    assert isinstance(caught.value, ImproperlyConfigured)
    assert isinstance(caught.value, LifespanError)
    assert str(caught.value) == (
        f"settings.LIFESPAN has no {name!r}\n{meant}Known: {KNOWN}."
    )


@pytest.mark.parametrize(
    "value",
    [0, -1, True, False, None, "60", float("nan"), [60]],
    ids=repr,
)
def test_refuses_what_is_no_number_of_seconds(value: Any) -> None:
    """The error shows what to write, with the default."""
    with (
        override_settings(LIFESPAN={"STOP_BUDGET": value}),
        pytest.raises(InvalidSetting) as caught,
    ):
        LifespanSettings.read()

    assert str(caught.value) == (
        f'settings.LIFESPAN["STOP_BUDGET"] is {value!r}, '
        "not a number of seconds above 0\n"
        'Write: LIFESPAN = {"STOP_BUDGET": 25}, or float("inf") for no limit.'
    )


@pytest.mark.parametrize("given", [None, 60, "START_TIMEOUT", [("a", 1)]], ids=repr)
def test_refuses_what_is_no_dictionary(given: Any) -> None:
    """The error shows what to write."""
    with override_settings(LIFESPAN=given), pytest.raises(InvalidSetting) as caught:
        LifespanSettings.read()

    assert str(caught.value) == (
        f"settings.LIFESPAN is {given!r}, not a dictionary\n"
        'Write: LIFESPAN = {"START_TIMEOUT": 60}'
    )


async def test_are_read_at_each_start_before_anything_is_opened(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """What is wrong is told at the start; what is mended counts at the next."""
    probes.add("it")
    lifespan = Lifespan(registry)

    with override_settings(LIFESPAN={"TIMEOUT": 1}), pytest.raises(InvalidSetting):
        await lifespan.__aenter__()
    assert journal == []
    async with lifespan:
        pass

    assert journal == ["+it", "-it"]
