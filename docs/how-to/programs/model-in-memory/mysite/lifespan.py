import mmap
import re
from collections.abc import Generator
from pathlib import Path

from django.conf import settings

from django_lifespan_typed import lifespan_resource


class Prices:
    """A file of lines, searched in the page cache of the system without a copy."""

    def __init__(self, lines: mmap.mmap) -> None:
        self.lines = lines

    def of(self, isbn: str) -> str | None:
        line = rb"^%b (\S+)" % re.escape(isbn.encode())
        found = re.search(line, self.lines, re.MULTILINE)
        return None if found is None else found[1].decode()


# Not async: it runs in a thread of its own, and does not block the event loop.
@lifespan_resource("prices", start_timeout=300)
def prices() -> Generator[Prices]:
    path: Path = settings.PRICES
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines,
    ):
        yield Prices(lines)
