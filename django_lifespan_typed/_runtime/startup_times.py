"""When each resource started, and the critical path of the startup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

from .status import ResourceStatus


@final
@dataclass(frozen=True)
class StartupTime:
    """The time that one resource took to start."""

    status: ResourceStatus
    begin: float
    """Seconds from the beginning of the lifespan's startup."""
    seconds: float
    """How long the resource itself took."""
    is_critical: bool
    """Whether the resource is on the critical path."""

    @property
    def end(self) -> float:
        """Seconds from the beginning of the lifespan's startup."""
        return self.begin + self.seconds


def critical_path(
    finished: Mapping[str, float], needs: Mapping[str, Iterable[str]]
) -> list[str]:
    """
    Return the chain of resources that determined how long the startup took.

    *finished* maps each started resource to the time at which it had started, *needs*
    maps it to its dependencies. The chain ends with the resource that was last.
    """
    path: list[str] = []
    candidates: Iterable[str] = finished
    while started := [name for name in candidates if name in finished]:
        last = max(started, key=finished.__getitem__)
        path.append(last)
        candidates = needs.get(last, ())
    return path[::-1]


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
