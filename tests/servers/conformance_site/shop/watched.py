"""The application, and what its import has brought about."""

from __future__ import annotations

import asyncio
import gc
import threading

from .asgi import application
from .journal import note

__all__ = ["application"]

_loops = [
    found for found in gc.get_objects() if isinstance(found, asyncio.AbstractEventLoop)
]
note(f"imported: {threading.active_count()} thread, {len(_loops)} loops")
