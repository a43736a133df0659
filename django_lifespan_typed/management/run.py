"""``lifespan run``: runs background tasks in a process of their own."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import CommandError, OutputWrapper

from .._log import logger
from .._runtime.lifespan import Lifespan
from .._tasks.lifespan_task import LifespanTask
from .._tasks.record import TaskRecord
from ..commands import leaving_at_signals
from ..exceptions import ResourceCrashed

_INTERVAL: Final = 0.5
"""Seconds after which an end or a crash is noticed."""


def run_tasks(
    lifespan: Lifespan, tasks: Sequence[LifespanTask[...]], out: OutputWrapper
) -> None:
    """
    Run *tasks* in *lifespan* until all have ended, or SIGTERM or SIGINT arrives.

    Raises ``CommandError`` if one of them or of their dependencies crashes, unless it
    is optional.
    """
    with _log_on(out), leaving_at_signals():
        try:
            with lifespan as state:
                # An optional task has no record if its dependency has failed.
                records = [state[task] for task in tasks if task in state]
                lifespan.call(_until_over, lifespan, records)
        except (KeyboardInterrupt, SystemExit):
            pass  # the usual end, after the shutdown
        except ResourceCrashed as error:  # in the log, too
            raise CommandError(f"{error.name!r} has crashed") from error


async def _until_over(lifespan: Lifespan, records: Sequence[TaskRecord]) -> None:
    is_over = False
    while not is_over:
        # Read before the pause: the lifespan notices a crash a moment after it.
        is_over = all(record.phase in {"finished", "crashed"} for record in records)
        await asyncio.sleep(_INTERVAL)
        lifespan.raise_crash()


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
