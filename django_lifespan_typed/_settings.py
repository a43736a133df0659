"""The ``LIFESPAN`` setting: defaults, names and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from django.conf import settings

from ._compat import Self
from .exceptions import InvalidSetting


@dataclass(frozen=True)
class LifespanSettings:
    """What ``settings.LIFESPAN`` says, in seconds; ``float("inf")`` for no limit."""

    START_TIMEOUT: float = 60.0
    """How long one resource may take to start."""

    STOP_TIMEOUT: float = 10.0
    """How long one resource may take to stop."""

    STOP_BUDGET: float = 25.0
    """
    How long the whole stop may take; below what the orchestrator allows. After it,
    each level of the plan that still hangs has up to twice ``CANCEL_TIMEOUT``.
    """

    CANCEL_TIMEOUT: float = 1.0
    """How long a cancelled resource may take to unwind before it is given up."""

    REPORT_INTERVAL: float = 5.0
    """How often a slow start or stop says in the log what it is waiting for."""

    HEALTH_TIMEOUT: float = 2.0
    """How long one health check may take."""

    HEALTH_CACHE: float = 1.0
    """
    How long the result of health checks is given again, however many probes ask; 0 to
    ask each time.
    """

    HEALTH_DETAIL: bool = False
    """Whether health probes say what an error says, which may hold secrets."""

    @classmethod
    def read(cls) -> Self:
        """
        The project's settings, as they are now.

        Raises ``InvalidSetting`` (an ``ImproperlyConfigured``) for an unknown
        name or a value that is not of its type.
        """
        given: object = getattr(settings, "LIFESPAN", {})
        if not isinstance(given, Mapping):
            raise InvalidSetting(
                f"settings.LIFESPAN is {given!r}, not a dictionary",
                'Write: LIFESPAN = {"START_TIMEOUT": 60}',
            )
        named: dict[Any, object] = {**given}
        known = [field.name for field in fields(cls)]
        return cls(
            **{name: checked_setting(name, named[name], known) for name in named}
        )


def checked_setting(name: object, value: object, known: list[str]) -> Any:
    """*value*, as ``LifespanSettings`` has it; raises ``InvalidSetting``."""
    if name not in known:
        close = get_close_matches(str(name).upper(), known, n=1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        raise InvalidSetting(
            f"settings.LIFESPAN has no {name!r}",
            f"{meant}Known: {', '.join(known)}.",
        )
    if isinstance(_default(str(name)), bool):
        if isinstance(value, bool):
            return value
        raise InvalidSetting(
            f'settings.LIFESPAN["{name}"] is {value!r}, not True or False',
            f'Write: LIFESPAN = {{"{name}": True}}, or leave it out.',
        )
    if name == "HEALTH_CACHE" and value == 0 and not isinstance(value, bool):
        return 0.0  # each probe asks
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidSetting(
            f'settings.LIFESPAN["{name}"] is {value!r}, '
            "not a number of seconds above 0",
            f'Write: LIFESPAN = {{"{name}": {_default(str(name)):g}}}, '
            'or float("inf") for no limit.',
        )
    return float(value)


def _default(name: str) -> float:
    default: float = getattr(LifespanSettings, name)
    return default


def finite(seconds: float) -> float | None:
    """A time limit as asyncio has it: None for none."""
    return None if seconds == float("inf") else seconds
