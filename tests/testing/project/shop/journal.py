"""What has happened, in order, for whoever reads the file."""

from __future__ import annotations

import os


def journal(event: str) -> None:
    """Write it down, in one go: several processes write here."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    file = os.open(os.environ["JOURNAL"], flags, 0o600)
    try:
        os.write(file, f"{event}\n".encode())
    finally:
        os.close(file)
