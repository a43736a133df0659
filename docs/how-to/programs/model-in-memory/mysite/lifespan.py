import mmap
from collections.abc import Generator
from pathlib import Path

from django.conf import settings

from django_lifespan_typed import lifespan_resource


class Prices:
    """A file of lines, looked up where the system keeps it: nothing is copied."""

    def __init__(self, lines: mmap.mmap) -> None:
        self.lines = lines

    def of(self, isbn: str) -> str | None:
        start = self.lines.find(f"\n{isbn} ".encode())
        if start < 0:
            return None
        end = self.lines.find(b"\n", start + 1)
        return self.lines[start:end].split()[1].decode()


# Not async: it runs in a thread of its own, and keeps nobody else waiting.
@lifespan_resource("prices", start_timeout=300)
def prices() -> Generator[Prices]:
    path: Path = settings.PRICES
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines,
    ):
        yield Prices(lines)
