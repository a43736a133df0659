"""Durations, and the width of text, in the drawings of the status page."""

from __future__ import annotations

from typing import Final

from .._text import column_width, shortened

# The drawings use a monospaced font. Its letters are this many pixels wide.
LETTER: Final = 7.9
LONGEST: Final = 28


def duration(seconds: float | None) -> str:
    """Return the two largest units of *seconds*: ``12 ms``, ``1.25 s``, ``3 d 4 h``."""
    if seconds is None:
        return "–"
    if seconds < 0.001:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def label(name: str) -> str:
    """Return *name*, shortened to what a drawing has room for."""
    return shortened(name, LONGEST)


def pixels(text: str) -> int:
    """Return how wide *text* is drawn, rounded up."""
    return int(column_width(text) * LETTER) + 1
