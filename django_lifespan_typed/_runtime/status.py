"""ResourceStatus: the state of one resource at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from .._declare.location import Location
from .._tasks.record import TaskRecord

Phase: TypeAlias = Literal[
    "waiting", "starting", "running", "stopping", "stopped", "failed", "crashed"
]


@final
@dataclass(frozen=True)
class ResourceStatus:
    """A record of ``Lifespan.status()``; times are in seconds."""

    name: str
    phase: Phase
    seconds: float | None
    """How long the startup took; None if it has not started."""
    needs: tuple[str, ...]
    """The names of its dependencies."""
    declared_at: Location
    error: BaseException | None
    """The exception of its startup, crash or shutdown."""
    optional: bool = False
    """Whether the lifespan starts without it if it fails."""
    began_after: float | None = None
    """From the beginning of the whole startup to the beginning of its own."""
    age: float | None = None
    """How long it has been running; None if it is not running."""
    stop_began_after: float | None = None
    """From the beginning of the whole startup to the beginning of its own shutdown."""
    ended_after: float | None = None
    """From the beginning of the whole startup to its shutdown, failure or crash."""
    task: TaskRecord | None = None
    """The record of a background task; None for any other resource."""
