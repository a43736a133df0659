"""The application; prints what its import has started."""

from __future__ import annotations

from .asgi import application
from .journal import note_what_runs

__all__ = ["application"]

note_what_runs()
