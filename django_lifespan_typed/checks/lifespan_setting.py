"""System checks of the LIFESPAN setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from .._settings import LifespanSettings, checked_setting
from ..exceptions import InvalidSetting


def check_settings() -> Iterator[CheckMessage]:
    """Check each name and value in ``settings.LIFESPAN``."""
    known = [field.name for field in fields(LifespanSettings)]
    given: Any = getattr(settings, "LIFESPAN", {})
    if not isinstance(given, Mapping):
        try:
            LifespanSettings.read()
        except InvalidSetting as error:
            yield Error(error.problem, hint=error.fix, id="lifespan.E004")
        return
    named: dict[object, object] = {**given}
    for name, value in named.items():
        try:
            checked_setting(name, value, known)
        except InvalidSetting as error:
            number = "E004" if name in known else "E003"
            yield Error(error.problem, hint=error.fix, id=f"lifespan.{number}")
