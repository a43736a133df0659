"""When each resource started, for the status page and the command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from .run_log import critical_path
from .status import ResourceStatus


@final
@dataclass(frozen=True)
class StartupTime:
    """The time that one resource took to start."""

    status: ResourceStatus
    begin: float
    """Seconds from the beginning of the lifespan's startup."""
    seconds: float
    """Seconds that the resource itself took to start."""
    is_critical: bool
    """Whether the resource is on the critical path."""

    @property
    def end(self) -> float:
        """Seconds from the beginning of the lifespan's startup."""
        return self.begin + self.seconds


def startup_times(statuses: Iterable[ResourceStatus]) -> tuple[StartupTime, ...]:
    """Return the times of all resources that have started, earliest first."""
    started = [
        (status, status.began_after, status.seconds)
        for status in statuses
        if status.began_after is not None and status.seconds is not None
    ]
    path = critical_path(
        {status.name: begin + seconds for status, begin, seconds in started},
        {status.name: status.needs for status, _, _ in started},
    )
    times = [
        StartupTime(status, begin, seconds, status.name in path)
        for status, begin, seconds in started
    ]
    return tuple(sorted(times, key=lambda time: (time.begin, time.end)))
