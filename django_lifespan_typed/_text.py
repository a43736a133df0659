"""Text of names, types and errors, for messages and the log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any


def quoted(names: Collection[str], *, empty: str = "nothing") -> str:
    """Return ``'cache', 'db'``, sorted."""
    return ", ".join(repr(name) for name in sorted(names, key=str)) or empty


def suggestion(name: str, known: Collection[str]) -> str:
    """Return ``Did you mean 'db'? `` for the nearest of *known*, or nothing."""
    close = get_close_matches(name, sorted(map(str, known)), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def type_name(cls: type) -> str:
    """Return ``httpx.AsyncClient``; builtins without their module."""
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return f"{module}{cls.__qualname__}"


def error_text(error: object, by: Callable[[object], str] = str) -> str:
    """Return *error* as *by* has it, or its type's name if *by* raises."""
    try:
        return by(error)
    except Exception:  # user code; describing an error must not fail
        return type(error).__name__


def notes_of(given: object) -> list[str]:
    """Return the notes in ``__notes__``, if it is a list as PEP 678 says."""
    noted: Any = given
    return [*map(error_text, noted)] if isinstance(given, list | tuple) else []
