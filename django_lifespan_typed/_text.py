"""Text of names, types and errors, for messages and the log."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from typing import Any
from unicodedata import combining, east_asian_width

from ._compat import BaseExceptionGroup


def quoted(names: Collection[str]) -> str:
    """Return ``'cache', 'db'``, sorted."""
    return ", ".join(repr(name) for name in sorted(names, key=str)) or "nothing"


def suggestion(name: str, known: Collection[str]) -> str:
    """Return ``Did you mean 'db'? `` for the nearest of *known*, or nothing."""
    close = get_close_matches(name, sorted(map(str, known)), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def address(loop: object) -> str:
    """Return type and address of an event loop; its ``repr`` has no address."""
    return object.__repr__(loop)


def seconds_text(seconds: float) -> str:
    """Return *seconds* with three digits; larger numbers without decimals."""
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"


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


def note_texts(given: object) -> list[str]:
    """Return the notes in ``__notes__``, if it is a list as PEP 678 says."""
    noted: Any = given
    return [*map(error_text, noted)] if isinstance(given, list | tuple) else []


def summary(error: BaseException) -> str:
    """Return the type and text of *error*, and its notes, which name the resource."""
    text = f"{type(error).__name__}: {error_text(error)}".rstrip(": ")
    return "\n".join([text, *notes_in(error)])


def describe(error: BaseException) -> str:
    """
    Return the notes of *error*, which name the resource and its location, and its
    traceback. It never fails, whatever the methods of a user's exception raise.
    """
    try:
        shown = "".join(traceback.format_exception(error)).rstrip()
    except Exception:
        shown = f"{type_name(type(error))} (its traceback cannot be shown)"
    return "\n".join([*notes_in(error), shown])


def notes_in(error: BaseException) -> Iterator[str]:
    """Return the notes of *error* and of the exceptions in it."""
    # A traceback shows at most fifteen exceptions of a group.
    ahead, seen = [error], set[int]()
    while ahead:
        error = ahead.pop()
        seen.add(id(error))
        notes = note_texts(_attribute(error, "__notes__"))
        parts = _parts(error)
        ahead += [part for part in reversed(parts) if id(part) not in seen]
        if not (parts or notes) and len(seen) > 1:
            notes = [error_text(error)]
        yield from notes


def _parts(error: BaseException) -> list[BaseException]:
    parts = _attribute(error, "exceptions")
    is_group = isinstance(error, BaseExceptionGroup) and type(parts) is tuple
    return [*parts] if is_group else []


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # a property of a user's exception
        return None


def printable(name: str) -> str:
    """Return *name* in one line, with control characters escaped."""
    return name if name.isprintable() else repr(name)[1:-1]


def column_width(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    return sum(
        0 if combining(letter) else 1 + (east_asian_width(letter) in "WF")
        for letter in text
    )


def shortened(text: str, width: int) -> str:
    """Return *text*, cut to *width* columns with ``…`` at the end."""
    if column_width(text) <= width:
        return text
    while column_width(text) >= width:
        text = text[:-1]
    return f"{text}…"
