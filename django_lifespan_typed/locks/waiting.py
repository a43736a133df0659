"""Waits with time limits, which leave nothing running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from .._text import seconds_text
from .._threads.cancellation import shielded

T = TypeVar("T")

LEAVE_LIMIT: Final = 1.0
"""Seconds that leaving a block waits for an engine to release the lock."""


async def within(seconds: float, work: Awaitable[T], *, to_the_end: bool = False) -> T:
    """
    Return the result of *work*; raises ``TimeoutError`` if it takes too long.

    :param to_the_end: If this is cancelled, let *work* finish within ``LEAVE_LIMIT``
        before raising; a second cancellation abandons it.
    """
    # Not wait_for(): before Python 3.12 it can swallow a cancellation.
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        raise TimeoutError(f"no answer within {seconds_text(seconds)}")
    except asyncio.CancelledError:
        if to_the_end:
            with shielded():
                await asyncio.wait({task}, timeout=LEAVE_LIMIT)
        raise
    finally:
        task.add_done_callback(_retrieve)
        if not task.done():
            task.cancel()
            with shielded():
                await asyncio.wait({task}, timeout=LEAVE_LIMIT)


def _retrieve(task: asyncio.Future[Any]) -> None:
    # asyncio logs exceptions that nothing has retrieved.
    if not task.cancelled():
        task.exception()
