"""What is known of one resource at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from .._declare.location import Location

Phase: TypeAlias = Literal[
    "waiting", "starting", "running", "stopping", "stopped", "failed", "crashed"
]


@final
@dataclass(frozen=True)
class ResourceStatus:
    """A record of ``Lifespan.status()``."""

    name: str
    phase: Phase
    seconds: float | None
    """How long its start took; None where it has not started."""
    needs: tuple[str, ...]
    declared_at: Location
    error: BaseException | None
    """What went wrong at the start, while running or at the stop."""
    optional: bool = False
    """Whether the lifespan goes on without it."""
    began_after: float | None = None
    """Seconds from the beginning of the whole start to that of its own."""
    age: float | None = None
    """Seconds that it has been running for; None while it is not."""
