"""Servers that need help to have a lifespan; each module is imported under its own."""

from __future__ import annotations

import sys

from .gate import Host


def attach(host: Host) -> None:
    """Let the server that runs this process, if it needs help, start *host*."""
    if "daphne.server" in sys.modules:
        from . import daphne

        daphne.attach(host)
