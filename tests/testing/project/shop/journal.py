"""A file that records events in order."""

from __future__ import annotations

import os


def journal(event: str) -> None:
    """Append *event* in one write: several processes append to the file."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    file = os.open(os.environ["JOURNAL"], flags, 0o600)
    try:
        os.write(file, f"{event}\n".encode())
    finally:
        os.close(file)
