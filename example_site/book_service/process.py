"""Runs the book service as a child process."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_ROOT: Final = Path(__file__).resolve().parent.parent.parent


@asynccontextmanager
async def running_book_service() -> AsyncGenerator[str]:
    """
    Start the service on a free port, and yield its URL when it answers.

    Raises `ChildProcessError` if the service ends before it serves. At the end of
    the block the service's stdin is closed, which stops it.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "example_site.book_service", "--until-stdin-closes"),
        # The system closes it if this process is killed, so the service ends, too.
        stdin=PIPE,
        stdout=PIPE,
        # `-m` imports from this directory first.
        cwd=_ROOT,
    )
    try:
        url = await _address(process)
        await _answers(url)
        yield url
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _address(process: Process) -> str:
    """Read the line that the service writes when it listens."""
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        code = await process.wait()
        message = (
            f"The book service ended with exit code {code} before it served. "
            "The error is printed above. To see it alone, run\n"
            "    python -m example_site.book_service"
        )
        raise ChildProcessError(message)
    return line.decode().strip()


async def _answers(url: str) -> None:
    """Check that the service accepts a connection."""
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()
    await writer.wait_closed()
