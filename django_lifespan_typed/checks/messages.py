"""Messages of the system checks: each names its section of the documentation."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning as Warn

_PAGE = "docs/reference/checks.md"


def error(number: str, problem: str, hint: str, obj: object = None) -> CheckMessage:
    """What keeps the lifespan from starting; *hint* is what to write instead."""
    of: Any = obj
    return Error(problem, hint=_seen(number, hint), obj=of, id=f"lifespan.{number}")


def warning(number: str, problem: str, hint: str, obj: object = None) -> CheckMessage:
    """What keeps it from doing what one would expect."""
    of: Any = obj
    return Warn(problem, hint=_seen(number, hint), obj=of, id=f"lifespan.{number}")


def _seen(number: str, hint: str) -> str:
    return f"{hint}\nSee lifespan.{number} in {_PAGE}."
