"""The waterfall of the startup, drawn with characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._runtime.startup_times import StartupTime
from .._text import column_width, printable
from .screen import padded

_NARROWEST = 10


def waterfall_lines(
    times: Sequence[StartupTime], width: int
) -> Iterator[tuple[str, bool]]:
    """Yield a line of *width* columns for each time, and whether it is critical."""
    total = max((time.end for time in times), default=0) or 1
    names = [printable(time.status.name) for time in times]
    numbers = [f"{time.seconds * 1000:.1f} ms" for time in times]
    number_width = max(map(len, numbers), default=0)
    # Names of managers are long: they get at most a third of the line.
    longest = max(map(column_width, names), default=0)
    name_width = min(longest, max(width // 3, _NARROWEST))
    # Two spaces before the name, after it and after the bar, and " *" at the end.
    room = max(width - name_width - number_width - 8, _NARROWEST)
    for time, name, number in zip(times, names, numbers, strict=True):
        begin = min(int(time.begin / total * room), room - 1)
        length = min(max(round(time.seconds / total * room), 1), room - begin)
        bar = " " * begin + ("█" if time.is_critical else "░") * length
        line = f"  {padded(name, name_width)}  {bar:<{room}}  {number:>{number_width}}"
        yield line + " *" * time.is_critical, time.is_critical
