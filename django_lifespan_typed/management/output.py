"""Output of the command: its lines, the log, and the waterfall of the startup."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, final

from django.core.management.base import OutputWrapper

from .._compat import override
from .._log import logger
from .._runtime.startup_times import StartupTime
from .._text import column_width, printable, shortened

_NARROWEST: Final = 10

# For output encodings without block and line characters.
_ASCII: Final = str.maketrans(
    {"█": "#", "░": "-", "…": ".", "├": "|", "└": "`", "─": "-", "│": "|"}
)


@final
class Screen:
    """Writes and flushes each line, in characters that the output can encode."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out

    def line(self, text: str = "", style: Callable[[str], str] | None = None) -> None:
        """Write one line, in *style*."""
        try:
            self._out.write(text, style)
        except UnicodeEncodeError as error:  # raised before anything was written
            ascii_only = text.translate(_ASCII)
            encoded = ascii_only.encode(error.encoding, "backslashreplace")
            self._out.write(encoded.decode(error.encoding), style)
        self._out.flush()

    @property
    def width(self) -> int:
        """The columns of the terminal; without a terminal 80, or ``COLUMNS``."""
        return shutil.get_terminal_size().columns


def padded(text: str, width: int) -> str:
    """Return *text* in exactly *width* columns: padded with spaces, or shortened."""
    text = shortened(text, width)
    return text + " " * (width - column_width(text))


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


def waterfall_lines(
    times: Sequence[StartupTime], width: int
) -> Iterator[tuple[str, bool]]:
    """Yield a line of *width* columns for each time, and whether it is critical."""
    total = max((time.end for time in times), default=0) or 1
    names = [printable(time.status.name) for time in times]
    numbers = [f"{time.seconds * 1000:.1f} ms" for time in times]
    number_width = max(map(len, numbers), default=0)
    # Names of managers are long: they get at most a third of the line.
    longest = max(map(column_width, names), default=0)
    name_width = min(longest, max(width // 3, _NARROWEST))
    # Two spaces before the name, after it and after the bar, and " *" at the end.
    room = max(width - name_width - number_width - 8, _NARROWEST)
    for time, name, number in zip(times, names, numbers, strict=True):
        begin = min(int(time.begin / total * room), room - 1)
        length = min(max(round(time.seconds / total * room), 1), room - begin)
        bar = " " * begin + ("█" if time.is_critical else "░") * length
        line = f"  {padded(name, name_width)}  {bar:<{room}}  {number:>{number_width}}"
        yield line + " *" * time.is_critical, time.is_critical
