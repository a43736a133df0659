"""Location: a line of the user's code, for messages."""

from __future__ import annotations

import inspect
import linecache
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

_OWN = __name__.partition(".")[0]


class Location(NamedTuple):
    """A line of the user's code; ``str()`` gives ``shop/db.py:9``."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        if not self.line:
            return self.file  # the module of a callable written in C
        path = Path(self.file)
        # It may be outside of the working directory, or that may have been removed.
        with suppress(ValueError, OSError):
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}"

    @property
    def text(self) -> str:
        """The text of that line; empty if it is unknown."""
        return linecache.getline(self.file, self.line).strip()

    def draw(self) -> str:
        """Return the location and the text of that line, indented."""
        return f"    {self}  {self.text}".rstrip()


def calling_location(*skipped: str) -> Location:
    """Return the nearest caller outside of this package, typing and *skipped*."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__"))
        # typing calls a subscripted class, so the depth of the stack varies.
        is_own = module == _OWN or module.startswith(_OWN + ".")
        if not is_own and module not in ("typing", *skipped):
            return Location(frame.f_code.co_filename, frame.f_lineno, module)
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno, "__main__")


def importing_module() -> str:
    """
    Return the module whose import has led to the calling code; "" if none has.

    That is the first one, which imports the others. The program itself, such as
    manage.py, does not count.
    """
    found = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "<module>" and module != "__main__":
            found = module
        frame = frame.f_back
    return found


def location_of(function: object) -> Location:
    """Return where *function* is defined; its module if the line is unknown."""
    inner: Any = getattr(function, "func", function)  # functools.partial
    with suppress(ValueError):  # it wraps itself
        inner = inspect.unwrap(inner)
    code = getattr(inner, "__code__", None)
    module = str(getattr(inner, "__module__", "__main__"))
    if code is None:
        return Location(module, 0, module)
    return Location(code.co_filename, code.co_firstlineno, module)
