"""The package's log, as the progress of a command."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import final

from django_lifespan_typed._compat import override

from .._log import logger


@contextmanager
def progress(show: Callable[[str, int], object], level: int) -> Generator[None]:
    """
    Show what the log says from *level* on, with its level, while the block runs.

    It is shown instead of logged: a project's handlers for the console would write
    each line a second time, with the tracebacks that the command shows at the end.
    """
    before = logger.handlers, logger.level, logger.propagate, logger.disabled
    logger.handlers = [_Showing(show)]
    logger.setLevel(level)
    logger.propagate = False
    logger.disabled = False  # by a project's disable_existing_loggers
    try:
        yield
    finally:
        logger.handlers, _, logger.propagate, logger.disabled = before
        logger.setLevel(before[1])


@final
class _Showing(logging.Handler):
    def __init__(self, show: Callable[[str, int], object]) -> None:
        super().__init__()
        self._show = show

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.module == "health":
            return  # the command tells of it in its own words
        try:
            self._show(record.getMessage(), record.levelno)
        except BrokenPipeError:
            return  # nobody reads any more; what is open is closed all the same
        except Exception:  # no reason to leave anything open
            self.handleError(record)
