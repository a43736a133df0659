"""What happens in the site, in order, for a test to read."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def note(event: str) -> None:
    """
    Append *event* to the file that ``JOURNAL`` names, and print it, so that a test
    can wait for it.
    """
    # One write each: several processes may append to one file.
    with Path(os.environ["JOURNAL"]).open("a", encoding="utf-8") as journal:
        journal.write(f"{event}\n")
    sys.stdout.write(f"journal: {event}\n")
    sys.stdout.flush()
