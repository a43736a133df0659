"""``lifespan run``: runs background tasks in a process of their own."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from .._log import logger
from .._runtime.lifespan import Lifespan
from .._tasks.lifespan_task import LifespanTask
from .._tasks.record import TaskRecord
from .._text import quoted
from ..commands import leaving_at_signals


def run_tasks(
    lifespan: Lifespan, tasks: Sequence[LifespanTask[...]], out: OutputWrapper
) -> None:
    """
    Run *tasks* in *lifespan* until all have finished, or SIGTERM or SIGINT arrives.

    Raises ``CommandError`` if a task that is not optional crashes.
    """
    crashed: set[str] = set()
    with _log_on(out), leaving_at_signals():
        try:
            with lifespan as state:
                records = {task: state[task] for task in tasks}
                lifespan.call(_until_over, records)
                crashed = _crashed(records)
        except (KeyboardInterrupt, SystemExit):
            return  # the usual end, after the shutdown
    if crashed:
        raise CommandError(f"{len(crashed)} of {len(tasks)} crashed: {quoted(crashed)}")


async def _until_over(records: dict[LifespanTask[...], TaskRecord]) -> None:
    pending = {asyncio.ensure_future(each.wait()) for each in records.values()}
    while pending and not _crashed(records):
        _, pending = await asyncio.wait(pending, return_when="FIRST_COMPLETED")
    for waiting in pending:
        waiting.cancel()


def _crashed(records: dict[LifespanTask[...], TaskRecord]) -> set[str]:
    return {
        task.name
        for task, record in records.items()
        if record.phase == "crashed" and not task.optional
    }


@contextmanager
def _log_on(out: OutputWrapper) -> Generator[None]:
    """Write the log on *out*, too, unless the project has it on the console."""
    handler: logging.Handler = logging.NullHandler()
    if not _is_on_console():
        handler = logging.StreamHandler(out)
        handler.terminator = ""  # OutputWrapper adds it
    level = logger.level
    logger.addHandler(handler)
    if not logger.isEnabledFor(logging.INFO):
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _is_on_console() -> bool:
    current: logging.Logger | None = logger
    while current is not None:
        streams: list[Any] = [
            getattr(each, "stream", None) for each in current.handlers
        ]
        if sys.stdout in streams or sys.stderr in streams:
            return True
        current = current.parent if current.propagate else None
    return False
