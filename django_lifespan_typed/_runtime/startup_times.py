"""The waterfall of a start: who began when, took how long, and held up the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from .status import ResourceStatus


@final
@dataclass(frozen=True)
class Bar:
    """One resource of a waterfall."""

    status: ResourceStatus
    begin: float
    """Seconds after the beginning of the whole start."""
    seconds: float
    """How long its start took."""
    is_critical: bool
    """Whether a faster one would have made the whole start faster."""

    @property
    def end(self) -> float:
        """Seconds after the beginning of the whole start."""
        return self.begin + self.seconds


def waterfall(statuses: Iterable[ResourceStatus]) -> tuple[Bar, ...]:
    """The bars of all that has started, earliest first."""
    started = {
        status.name: status
        for status in statuses
        if status.began_after is not None and status.seconds is not None
    }
    ends = {
        name: (status.began_after or 0) + (status.seconds or 0)
        for name, status in started.items()
    }
    critical: set[str] = set()
    candidates = list(ends)
    while candidates:
        last = max(candidates, key=ends.__getitem__)
        critical.add(last)
        candidates = [name for name in started[last].needs if name in ends]
    bars = [
        Bar(status, status.began_after or 0, status.seconds or 0, name in critical)
        for name, status in started.items()
    ]
    return tuple(sorted(bars, key=lambda bar: (bar.begin, bar.end)))
