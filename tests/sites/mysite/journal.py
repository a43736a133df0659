"""Events for the test, each with the process that it happens in."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

from tests.gates import happened


def note(event: str) -> None:
    """Print *event* after the id of this process."""
    happened(f"{os.getpid()} {event}")


def note_what_runs() -> None:
    """Print how many threads and event loops there are."""
    loops = [
        one for one in gc.get_objects() if issubclass(type(one), asyncio.BaseEventLoop)
    ]
    note(f"threads: {threading.active_count()}, loops: {len(loops)}")
