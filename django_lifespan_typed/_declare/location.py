"""Places in the user's code, to be named in errors."""

from __future__ import annotations

import inspect
import linecache
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_OWN = __name__.partition(".")[0]


class Source(NamedTuple):
    """A line of the user's code; ``str()`` gives ``shop/db.py:9``."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        if not self.line:
            return self.file  # a name: it is written in C
        path = Path(self.file)
        # It is not below the working directory, or that has been removed.
        with suppress(ValueError, OSError):
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}"

    def draw(self) -> str:
        """The place, and what is written there."""
        text = linecache.getline(self.file, self.line).strip()
        return f"    {self}  {text}".rstrip()


def calling_source() -> Source:
    """The nearest line on the stack that is neither ours nor typing's."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__"))
        # A subscripted class is called by ``typing``, so the depth varies.
        if module not in {"typing", _OWN} and not module.startswith(_OWN + "."):
            return Source(frame.f_code.co_filename, frame.f_lineno, module)
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno, "__main__")


def source_of(function: object) -> Source:
    """Where *function* is written, as far as it tells."""
    inner: Any = getattr(function, "func", function)  # functools.partial
    inner = inspect.unwrap(inner)
    code = getattr(inner, "__code__", None)
    module = str(getattr(inner, "__module__", "__main__"))
    if code is None:
        return Source(module, 0, module)
    return Source(code.co_filename, code.co_firstlineno, module)
