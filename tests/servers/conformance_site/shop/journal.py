"""What happens in the site, with the process that it happens in."""

from __future__ import annotations

import os

from tests.processes import happened


def note(event: str) -> None:
    """Tell the test, which knows workers by their process ids."""
    happened(f"{os.getpid()} {event}")
