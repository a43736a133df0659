"""Writing lines to a terminal or a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Final, final

from django.core.management.base import OutputWrapper

from .._text import column_width, shortened

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
