"""Locks: a background task runs in one process at a time."""

from __future__ import annotations

from .database import DatabaseLock
from .file import FileLock
from .protocol import Lock, UntilLost
from .redis import RedisLock

__all__ = ["DatabaseLock", "FileLock", "Lock", "RedisLock", "UntilLost"]
