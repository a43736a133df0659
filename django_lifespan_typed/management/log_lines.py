"""Shows the package's log as lines of a command's output."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import final

from .._compat import override
from .._log import logger


@contextmanager
def log_shown(show: Callable[[str, int], object], level: int) -> Generator[None]:
    """
    Call *show* with the message and level of each log record from *level* on.

    The records go nowhere else meanwhile: a project's console handler would print
    them a second time.
    """
    handlers, before, propagate = logger.handlers, logger.level, logger.propagate
    disabled = logger.disabled  # by a project's disable_existing_loggers
    logger.handlers = [_ShowHandler(show)]
    logger.setLevel(level)
    logger.propagate = logger.disabled = False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        logger.disabled = disabled
        logger.setLevel(before)


@final
class _ShowHandler(logging.Handler):
    def __init__(self, show: Callable[[str, int], object]) -> None:
        super().__init__()
        self._show = show

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._show(record.getMessage(), record.levelno)
        except BrokenPipeError:
            pass  # the reader has gone; the resources must still be shut down
        except Exception:
            self.handleError(record)
