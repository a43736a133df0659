"""A manager as in a site that moves from django-asgi-lifespan."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import final

from django_lifespan_typed.types import LifespanManager


@final
class Visits:
    """Counts the visits of a page since startup."""

    def __init__(self) -> None:
        self.number = 0

    def record(self) -> int:
        """Count one visit, and return the total."""
        self.number += 1
        return self.number


@asynccontextmanager
async def visits() -> LifespanManager:
    """
    Put a counter on the state by name.

    It works unchanged. Unlike a resource it has no type, so a view gets ``Any``,
    and no dependencies.
    """
    yield {"visits": Visits()}
