"""A screen: where a command writes its lines."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Final, final
from unicodedata import combining, east_asian_width

from django.core.management.base import OutputWrapper

# What is drawn where the encoding has neither blocks nor lines.
_PLAIN: Final = str.maketrans(
    {"█": "#", "░": "-", "…": ".", "├": "|", "└": "`", "─": "-", "│": "|"}
    | dict.fromkeys("╭╮╯╰╶╴⟲", "+")
)


@final
class Screen:
    """Writes lines at once, in letters that the output's encoding has."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out

    def line(self, text: str = "", style: Callable[[str], str] | None = None) -> None:
        """Write *text*, in *style*; whoever reads a pipe reads it now."""
        try:
            self._out.write(text, style)
        except UnicodeEncodeError as error:  # before any of it was written
            plain = text.translate(_PLAIN).encode(error.encoding, "backslashreplace")
            self._out.write(plain.decode(error.encoding), style)
        self._out.flush()

    @property
    def width(self) -> int:
        """The columns of the terminal; 80, or ``COLUMNS``, where there is none."""
        return shutil.get_terminal_size().columns


def columns(text: str) -> int:
    """How many columns of a terminal *text* takes."""
    return sum(
        0 if combining(letter) else 1 + (east_asian_width(letter) in "WF")
        for letter in text
    )


def padded(text: str, width: int) -> str:
    """*text* in *width* columns: filled up, or cut."""
    while columns(text) > width:
        text = f"{text[:-2]}…"
    return text + " " * (width - columns(text))
