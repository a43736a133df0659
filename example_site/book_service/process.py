"""The book service as a child process, for as long as a block runs."""

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
    Start the service on a free port, and yield its URL once it answers.

    Raises `ChildProcessError` where it ended before it served. When the block
    ends, its stdin is closed, which tells it to end, and it is waited for.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "example_site.book_service", "--until-stdin-closes"),
        # Closed by the system if this process is killed: no orphan stays behind.
        stdin=PIPE,
        stdout=PIPE,
        # `-m` looks here first, wherever this process was started from.
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
    """Read the one line that the service writes, as soon as it listens."""
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        code = await process.wait()
        message = (
            f"The book service ended with exit code {code} before it served. "
            "Its reason is printed above; to see it alone, run\n"
            "    python -m example_site.book_service"
        )
        raise ChildProcessError(message)
    return line.decode().strip()


async def _answers(url: str) -> None:
    """Open one connection, and close it again."""
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()
    await writer.wait_closed()
