"""A legacy manager: what a site that comes from django-asgi-lifespan already has."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import final

from django_lifespan_typed.types import LifespanManager


@final
class Visits:
    """How often a page was opened since the site started."""

    def __init__(self) -> None:
        self.number = 0

    def record(self) -> int:
        """Count one more, and return how many there are."""
        self.number += 1
        return self.number


@asynccontextmanager
async def visits() -> LifespanManager:
    """
    Put a counter on the state, under a plain name.

    It works unchanged. What it lacks beside a resource is the type: a view gets
    ``Any``, and nothing says who needs whom.
    """
    yield {"visits": Visits()}
