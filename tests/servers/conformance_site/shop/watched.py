"""The application, and what its import has brought about."""

from __future__ import annotations

from .asgi import application
from .journal import note_what_runs

__all__ = ["application"]

note_what_runs()
