"""TaskRecord: what a background task is doing, for views and tools."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias, final

TaskPhase: TypeAlias = Literal["standby", "running", "waiting", "finished", "crashed"]


@final
@dataclass
class TaskRecord:
    """The value of a background task: ``get_state(request, price_feed)``."""

    phase: TaskPhase = "standby"
    """
    ``standby``: it does not run here, but may in another process; ``running``;
    ``waiting``: for its next run;
    ``finished``: it has returned; ``crashed``: it has failed and does not run again.
    """
    restarts: int = 0
    """How often it was started again after it had ended; 0 with ``every=``."""
    last_error: BaseException | None = None
    """The latest exception of a run, or of the lock."""
    last_run: datetime | None = None
    """When the latest run began (UTC)."""

    def __str__(self) -> str:
        """Return ``running``, or ``waiting, 3 restarts``."""
        if not self.restarts:
            return self.phase
        return f"{self.phase}, {self.restarts} restart{'s' * (self.restarts != 1)}"


def record_of(value: object) -> TaskRecord | None:
    """Return a copy of *value* if it is the record of a task; otherwise None."""
    return replace(value) if isinstance(value, TaskRecord) else None
