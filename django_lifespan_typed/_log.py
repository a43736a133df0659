"""The package's one logger, and what makes its errors visible."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Final

logger: Final = logging.getLogger("django_lifespan_typed")
"""The package's one logger."""


def ensure_visible() -> None:
    """
    Have the logger's errors reach a handler of the project, or else stderr.

    ``logging.config.dictConfig``, and so Django's ``LOGGING``, disables by default the
    loggers that exist already. A failed startup would then be silent.
    """
    logger.disabled = False
    if not _has_handler():
        logger.addHandler(_stderr())


def log_failure(text: str, error: BaseException) -> None:
    """Log an error with its traceback, on stderr if the level is above ERROR."""
    logger.error("%s", text, exc_info=exc_info(error))
    if logger.getEffectiveLevel() > logging.ERROR:
        record = logger.makeRecord(
            logger.name, logging.ERROR, __file__, 0, text, (), exc_info(error)
        )
        _stderr().handle(record)


def exc_info(
    error: BaseException | None,
) -> tuple[type[BaseException], BaseException, TracebackType | None] | None:
    """Return *error* for a log, which would ignore an exception that is falsy."""
    return None if error is None else (type(error), error, error.__traceback__)


def _stderr() -> logging.Handler:
    # As Python does where there is no handler at all.
    return logging.lastResort or logging.StreamHandler()


def _has_handler() -> bool:
    # Without any handler at all, Python itself writes to stderr.
    found = logger.hasHandlers()
    current: logging.Logger | None = logger
    while found and current is not None:
        for handler in current.handlers:
            is_null = isinstance(handler, logging.NullHandler)
            if handler.level <= logging.ERROR and not is_null:
                return True
        current = current.parent if current.propagate else None
    return not found
