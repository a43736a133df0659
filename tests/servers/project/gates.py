"""Gates: where the site waits until the test lets it go on."""

from __future__ import annotations

import asyncio
import os


async def wait_at(name: str) -> None:
    """Wait at the gate of this name, if the test has put one up: ``GATE_<NAME>``."""
    address = os.environ.get(f"GATE_{name.upper()}")
    if address is None:
        return
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address))
    try:
        await reader.read()
    finally:
        writer.close()
