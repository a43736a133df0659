"""What happens in the site, with the process that it happens in."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

from tests.processes import happened


def note(event: str) -> None:
    """Tell the test, which knows workers by their process ids."""
    happened(f"{os.getpid()} {event}")


def note_what_runs() -> None:
    """Tell how many threads and event loops there are."""
    found = [
        each for each in gc.get_objects() if isinstance(each, asyncio.BaseEventLoop)
    ]
    note(f"threads: {threading.active_count()}, loops: {len(found)}")
