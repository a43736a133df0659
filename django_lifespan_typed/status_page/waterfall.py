"""The waterfall of the startup on the status page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final, final

from .._runtime.startup_times import StartupTime
from .text import duration, label, pixels

# In pixels.
ROW: Final = 26
TOP: Final = 26
CHART: Final = 520
GAP: Final = 12
THINNEST: Final = 2


@final
@dataclass(frozen=True)
class Tick:
    """A line of the time scale."""

    x: int
    label: str


@final
@dataclass(frozen=True)
class WaterfallBar:
    """The bar of one resource; x and y are its upper left corner."""

    time: StartupTime
    label: str
    text: str
    """The text to the right of the bar."""
    x: int
    y: int
    length: int

    @property
    def text_x(self) -> int:
        """Where the text to the right of the bar begins."""
        return self.x + self.length + 6


@final
@dataclass(frozen=True)
class Waterfall:
    """The drawing; width and height in pixels."""

    width: int
    height: int
    left: int
    """Where the names end."""
    ticks: tuple[Tick, ...]
    bars: tuple[WaterfallBar, ...]
    total: str
    critical: tuple[str, ...]

    @property
    def bottom(self) -> int:
        """Where the lines of the time scale end."""
        return self.height - 8


def draw_waterfall(times: Sequence[StartupTime]) -> Waterfall | None:
    """Draw *times*; None if nothing has started."""
    if not times:
        return None
    total = max(time.end for time in times)
    left = 24 + max(pixels(label(time.status.name)) for time in times)
    scale = CHART / max(total, 1e-6)
    bars = tuple(
        _bar(time, left + GAP + round(time.begin * scale), TOP + row * ROW, scale)
        for row, time in enumerate(times)
    )
    # The text beside the longest bar may need more room than the chart.
    right = max(bar.text_x + pixels(bar.text) for bar in bars)
    return Waterfall(
        width=max(right, left + GAP + CHART + 40),
        height=TOP + len(times) * ROW + 8,
        left=left,
        ticks=tuple(
            Tick(left + GAP + round(at * scale), duration(at) if at else "0")
            for at in _tick_times(total)
        ),
        bars=bars,
        total=duration(total),
        critical=tuple(time.status.name for time in times if time.is_critical),
    )


def _bar(time: StartupTime, x: int, y: int, scale: float) -> WaterfallBar:
    # The phase is written out: a colour must not be its only sign.
    phase = time.status.phase
    return WaterfallBar(
        time=time,
        label=label(time.status.name),
        text=duration(time.seconds) + f" · {phase}" * (phase != "running"),
        x=x,
        y=y + 5,
        length=max(round(time.seconds * scale), THINNEST),
    )


def _tick_times(total: float) -> list[float]:
    """Return at most six round numbers of seconds from 0 to *total*."""
    if total < 0.002:
        return [0.0]
    power = floor(log10(total)) - 1
    steps = (base * 10.0 ** (power + up) for up in range(3) for base in (1, 2, 5))
    step = next(step for step in steps if total / step <= 5)
    return [step * number for number in range(floor(total / step + 1e-9) + 1)]
