"""Checks of the LIFESPAN setting."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import Error
from django.test import override_settings

from django_lifespan_typed.checks.project_settings import check_settings


@pytest.mark.parametrize("given", [{}, {"STOP_BUDGET": 25}], ids=str)
def test_valid_settings_get_no_message(given: dict[str, int]) -> None:
    with override_settings(LIFESPAN=given):
        assert list(check_settings()) == []


def test_the_setting_must_be_a_dictionary() -> None:
    with override_settings(LIFESPAN=[]):
        assert list(check_settings()) == [
            Error(
                "settings.LIFESPAN is of type list, not a dictionary",
                hint='Write: LIFESPAN = {"START_TIMEOUT": 60}',
                id="lifespan.E004",
            )
        ]


def test_every_wrong_name_and_value_is_reported() -> None:
    given: Any = {"STOP_BUGET": 1, "STOP_TIMEOUT": "10", "HEALTH_DETAIL": 1}

    with override_settings(LIFESPAN=given):
        found = list(check_settings())

    assert [(message.id, message.msg.partition(" is ")[0]) for message in found] == [
        ("lifespan.E003", "settings.LIFESPAN has no 'STOP_BUGET'"),
        ("lifespan.E004", 'settings.LIFESPAN["STOP_TIMEOUT"]'),
        ("lifespan.E004", 'settings.LIFESPAN["HEALTH_DETAIL"]'),
    ]
    assert all(message.hint for message in found)
