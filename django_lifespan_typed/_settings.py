"""The ``LIFESPAN`` setting: defaults, names and types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeGuard

from django.conf import settings

from ._compat import Self
from ._text import suggestion, type_name
from .exceptions import InvalidSetting

_RUNNERS: Final = ("server", "command")


class LifespanSettings(NamedTuple):
    """
    The values of ``settings.LIFESPAN``.

    Times are in seconds; ``float("inf")`` means no time limit.
    """

    START_TIMEOUT: float = 60.0
    """Time limit for one resource to start."""

    STOP_TIMEOUT: float = 10.0
    """Time limit for one resource to shut down."""

    STOP_BUDGET: float = 25.0
    """
    Time limit for the whole shutdown, below the one of the orchestrator. After it,
    each level of the plan that still hangs takes up to twice ``CANCEL_TIMEOUT``.
    """

    CANCEL_TIMEOUT: float = 1.0
    """Time limit for a cancelled resource to finish, before it is abandoned."""

    RETRY_INTERVAL: float = 10.0
    """
    Time after which a failed startup is tried again, where no server sends a lifespan.
    """

    REPORT_INTERVAL: float = 5.0
    """Interval at which a slow startup or shutdown is logged."""

    HEALTH_TIMEOUT: float = 2.0
    """Time limit for one health check."""

    HEALTH_CACHE: float = 1.0
    """Time for which the results of health checks are reused; 0 for never."""

    HEALTH_DETAIL: bool = False
    """True to show the text of errors in health probes; it may contain secrets."""

    TASKS: Literal["server", "command"] = "server"
    """
    The runner of background tasks: each server process, or ``manage.py lifespan run``.
    """

    @classmethod
    def read(cls) -> Self:
        """
        Return the current settings of the project.

        Raises ``InvalidSetting`` for an unknown name or a value of the wrong type.
        """
        given = given_settings().items()
        return cls(**{name: checked_setting(name, value) for name, value in given})


def given_settings() -> dict[Any, object]:
    """
    Return ``settings.LIFESPAN``, whatever its names and values are.

    Raises ``InvalidSetting`` if it is not a dictionary.
    """
    given: object = getattr(settings, "LIFESPAN", {})
    if not isinstance(given, Mapping):
        raise InvalidSetting(
            f"settings.LIFESPAN is of type {type_name(type(given))}, not a dictionary",
            'Write: LIFESPAN = {"START_TIMEOUT": 60}',
        )
    return {**given}


def checked_setting(name: object, value: object) -> Any:
    """
    Return *value* as an attribute of ``LifespanSettings``.

    Raises ``InvalidSetting`` for an unknown *name* or a *value* of the wrong type.
    """
    known = LifespanSettings._fields
    if name not in known:
        is_text = isinstance(name, str)
        given = repr(name) if is_text else f"name of type {type_name(type(name))}"
        similar = suggestion(name.upper(), known) if isinstance(name, str) else ""
        raise InvalidSetting(
            f"settings.LIFESPAN has no {given}",
            f"{similar}Known: {', '.join(known)}.",
        )
    if name == "TASKS":
        if value in _RUNNERS:
            return value
        given = repr(value) if isinstance(value, str) else type_name(type(value))
        raise InvalidSetting(
            f'settings.LIFESPAN["TASKS"] is {given}',
            f"Write one of: {', '.join(map(repr, _RUNNERS))}.",
        )
    default: float = LifespanSettings._field_defaults[str(name)]
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise InvalidSetting(
            f'settings.LIFESPAN["{name}"] is of type {type_name(type(value))}, '
            "not True or False",
            f'Write: LIFESPAN = {{"{name}": True}}, or leave it out.',
        )
    if is_seconds(value):
        return float(value)
    if name == "HEALTH_CACHE" and value == 0 and not isinstance(value, bool):
        return 0.0
    raise InvalidSetting(
        f'settings.LIFESPAN["{name}"] {not_seconds(value)}',
        f'Write: LIFESPAN = {{"{name}": {default:g}}}, or float("inf") for no limit.',
    )


def is_seconds(value: object) -> TypeGuard[float]:
    """Return whether *value* is a number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > 0


def not_seconds(value: object) -> str:
    """Return why *value* is no time limit, with its type only."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "is not above 0"
    return f"is of type {type_name(type(value))}, not a number of seconds"


def finite(seconds: float) -> float | None:
    """Return *seconds* as a time limit of asyncio: None for infinity."""
    return None if seconds == float("inf") else seconds
