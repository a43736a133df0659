"""System checks of the LIFESPAN setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from django.core.checks import CheckMessage, Error

from .._settings import LifespanSettings, checked_setting, given_settings
from ..exceptions import InvalidSetting


def check_settings() -> Iterator[CheckMessage]:
    """Check each name and value in ``settings.LIFESPAN``."""
    known = {field.name for field in fields(LifespanSettings)}
    try:
        given = given_settings()
    except InvalidSetting as error:
        yield Error(error.problem, hint=error.fix, id="lifespan.E004")
        return
    for name, value in given.items():
        try:
            checked_setting(name, value)
        except InvalidSetting as error:
            number = "E004" if name in known else "E003"
            yield Error(error.problem, hint=error.fix, id=f"lifespan.{number}")
