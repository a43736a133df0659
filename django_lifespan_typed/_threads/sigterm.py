"""SIGTERM in processes whose server does not handle it."""

from __future__ import annotations

import signal
import sys
import threading

from .._log import logger


def exit_at_sigterm() -> None:
    """
    Have SIGTERM end the process as ``sys.exit()`` does, unless a handler is installed.

    Its default action ends the process at once, and nothing is shut down (waitress,
    cheroot). A server that handles it after this call replaces the handler.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, leave)


def leave(number: int, _frame: object) -> None:
    """Raise ``SystemExit`` with the exit code that a shell shows for a signal."""
    sys.exit(128 + number)


def warn_if_sigterm_kills() -> None:
    """Log a warning if SIGTERM would end the process without a shutdown."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        logger.warning(
            "SIGTERM ends this process at once, without shutting down its resources. "
            "To fix it, handle the signal in the main thread, for example: "
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
        )
