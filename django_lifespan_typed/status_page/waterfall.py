"""The drawing of the waterfall of a start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final, final

from .._runtime.startup_times import Bar
from .text import duration, shortened, width

_ROW: Final = 26
_TOP: Final = 26
_CHART: Final = 520
_GAP: Final = 12
# The least that can be seen.
_THINNEST: Final = 2.0


@final
@dataclass(frozen=True)
class Tick:
    """A line of the scale."""

    x: str
    label: str


@final
@dataclass(frozen=True)
class DrawnBar:
    """One line of the drawing."""

    name: str
    short: str
    phase: str
    is_critical: bool
    wrong: str
    x: str
    y: str
    length: str
    text_x: str
    text_y: str
    text: str


@final
@dataclass(frozen=True)
class DrawnWaterfall:
    """All that the template draws, in pixels."""

    width: str
    height: str
    label_x: str
    mark_x: str
    bottom: str
    ticks: tuple[Tick, ...]
    bars: tuple[DrawnBar, ...]
    total: str
    critical: tuple[str, ...]


def draw_waterfall(bars: Sequence[Bar]) -> DrawnWaterfall | None:
    """The drawing of *bars*; None where nothing has started."""
    if not bars:
        return None
    total = max(bar.end for bar in bars)
    left = 24 + max(width(shortened(bar.status.name)) for bar in bars) + _GAP
    scale = _CHART / max(total, 1e-6)
    drawn = tuple(
        _drawn(bar, left, scale, _TOP + row * _ROW) for row, bar in enumerate(bars)
    )
    # To the right of the longest bar there is room for what is written there.
    right = max(float(bar.text_x) + width(bar.text) for bar in drawn)
    bottom = _TOP + len(bars) * _ROW
    return DrawnWaterfall(
        width=f"{ceil(max(right, left + _CHART + 40))}",
        height=f"{bottom + 8}",
        label_x=f"{left - _GAP:.1f}",
        mark_x="4",
        bottom=f"{bottom}",
        ticks=tuple(
            Tick(f"{left + at * scale:.1f}", duration(at) if at else "0")
            for at in _scale_of(total)
        ),
        bars=drawn,
        total=duration(total),
        critical=tuple(bar.status.name for bar in bars if bar.is_critical),
    )


def _drawn(bar: Bar, left: float, scale: float, y: float) -> DrawnBar:
    status = bar.status
    wrong = type(status.error).__name__ if status.error else ""
    length = max(bar.seconds * scale, _THINNEST)
    x = left + bar.begin * scale
    # A place of its own for the phase: colours are not the only sign.
    phase = f" · {status.phase}" * (status.phase != "running")
    return DrawnBar(
        name=status.name,
        short=shortened(status.name),
        phase=status.phase,
        is_critical=bar.is_critical,
        wrong=wrong,
        x=f"{x:.1f}",
        y=f"{y + 5:.1f}",
        length=f"{length:.1f}",
        text_x=f"{x + length + 6:.1f}",
        text_y=f"{y + 17:.1f}",
        text=f"{duration(bar.seconds)}{phase}",
    )


def _scale_of(total: float) -> list[float]:
    """Round numbers of seconds from 0 to *total*, at most six of them."""
    if total < 0.002:
        return [0.0]
    power = floor(log10(total)) - 1
    steps = (base * 10.0 ** (power + up) for up in range(3) for base in (1, 2, 5))
    step = next(step for step in steps if total / step <= 5)
    return [step * number for number in range(floor(total / step + 1e-9) + 1)]
