"""The package's one logger, and what makes its errors visible."""

from __future__ import annotations

import logging
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
    if logger.getEffectiveLevel() > logging.ERROR:
        logger.setLevel(logging.ERROR)
    if not _has_handler():
        # As Python does where there is no handler at all.
        logger.addHandler(logging.lastResort or logging.StreamHandler())


def _has_handler() -> bool:
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            is_null = isinstance(handler, logging.NullHandler)
            if handler.level <= logging.ERROR and not is_null:
                return True
        current = current.parent if current.propagate else None
    return False
