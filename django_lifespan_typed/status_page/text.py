"""What the status page's drawings and tables write: durations and names."""

from __future__ import annotations

from typing import Final
from unicodedata import east_asian_width

# Of a letter of the drawings' monospaced font, in pixels.
LETTER: Final = 7.9
LONGEST: Final = 28


def duration(seconds: float | None) -> str:
    """The two largest units of *seconds*: ``12 ms``, ``1.25 s``, ``3 d 4 h``."""
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


def shortened(name: str) -> str:
    """*name*, as much of it as a drawing has room for."""
    if _columns(name) <= LONGEST:
        return name
    kept = name
    while _columns(kept) >= LONGEST:
        kept = kept[:-1]
    return f"{kept}…"


def width(text: str) -> float:
    """How wide *text* is drawn, in pixels."""
    return _columns(text) * LETTER


def _columns(text: str) -> int:
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)
