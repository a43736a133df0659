"""Places in the user's code, to be named in errors."""

from __future__ import annotations

import inspect
import linecache
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_OWN = __name__.partition(".")[0]


class Location(NamedTuple):
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


def calling_location() -> Location:
    """The nearest line on the stack that is neither ours nor typing's."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__"))
        # A subscripted class is called by ``typing``, so the depth varies.
        if module not in {"typing", _OWN} and not module.startswith(_OWN + "."):
            return Location(frame.f_code.co_filename, frame.f_lineno, module)
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno, "__main__")


def location_of(function: object) -> Location:
    """Where *function* is written, as far as it tells."""
    inner: Any = getattr(function, "func", function)  # functools.partial
    inner = inspect.unwrap(inner)
    code = getattr(inner, "__code__", None)
    module = str(getattr(inner, "__module__", "__main__"))
    if code is None:
        return Location(module, 0, module)
    return Location(code.co_filename, code.co_firstlineno, module)
