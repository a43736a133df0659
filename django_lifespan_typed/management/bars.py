"""The waterfall of a start, in the columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django_lifespan_typed._runtime.startup_times import Bar
from django_lifespan_typed.management.graph import printable

from .screen import columns, padded

_LEAST = 10


def bar_lines(bars: Sequence[Bar], width: int) -> Iterator[tuple[str, bool]]:
    """A line for each bar, not wider than *width*, and whether it is critical."""
    total = max((bar.end for bar in bars), default=0) or 1
    times = [f"{bar.seconds * 1000:.1f} ms" for bar in bars]
    names = [printable(bar.status.name) for bar in bars]
    time_width = max(map(len, times), default=0)
    # At most a third: the names of managers are long.
    name_width = min(max(map(columns, names), default=0), max(width // 3, _LEAST))
    # Two before the name, two after it and after the bar, " *" at the end.
    room = max(width - name_width - time_width - 8, _LEAST)
    for bar, name, time in zip(bars, names, times, strict=True):
        begin = min(int(bar.begin / total * room), room - 1)
        # Never nothing, and never beyond the end.
        length = min(max(round(bar.seconds / total * room), 1), room - begin)
        drawn = " " * begin + ("█" if bar.is_critical else "░") * length
        yield (
            (
                f"  {padded(name, name_width)}  {drawn:<{room}}  {time:>{time_width}}"
                + " *" * bar.is_critical
            ),
            bar.is_critical,
        )
