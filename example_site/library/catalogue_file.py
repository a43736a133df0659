"""The daily catalogue: all books in a JSON file, for other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .catalogue import Book


def write_catalogue(books: Sequence[Book], path: Path) -> None:
    """Replace the file at *path*; readers see the old or the new one, never a part."""
    text = json.dumps({"books": [asdict(book) for book in books]}, indent=2)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text + "\n", "utf-8")
    unfinished.replace(path)
