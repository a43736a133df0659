"""Lines: connections to the ledger, which announce that they open and close."""

from __future__ import annotations

import asyncio
import os
import socket
from asyncio import Future, StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from threading import Lock
from typing import final


def address() -> tuple[str, int]:
    """The address of the ledger."""
    return "127.0.0.1", int(os.environ["LEDGER"])


@final
class Line:
    """One connection for all requests of a worker."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asked: dict[bytes, Future[None]] = {}
        self._listening = asyncio.create_task(self._listen())

    async def ask(self, words: str) -> None:
        """Send *words*, and return when the ledger has echoed them."""
        line = f"{words}\n".encode()
        answer = self._asked[line] = asyncio.get_running_loop().create_future()
        self._writer.write(line)
        await answer

    async def hang_up(self) -> None:
        """Say goodbye, and return when both sides have closed the connection."""
        await self.ask("goodbye")
        self._writer.close()
        await self._listening
        await self._writer.wait_closed()

    async def _listen(self) -> None:
        while line := await self._reader.readline():
            answer = self._asked.pop(line)
            if not answer.done():  # its request was not cancelled
                answer.set_result(None)


async def dial(name: str) -> Line:
    line = Line(*await asyncio.open_connection(*address()))
    await line.ask(f"open {os.getpid()} {name}")
    return line


@asynccontextmanager
async def dialled(name: str) -> AsyncGenerator[Line]:
    """A line that ends with a goodbye."""
    line = await dial(name)
    try:
        yield line
    finally:
        await line.hang_up()


@final
class BlockingLine:
    """The same, for threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._one_at_a_time = Lock()

    def ask(self, words: str) -> None:
        """Send *words*, and return when the ledger has echoed them."""
        line = f"{words}\n".encode()
        with self._one_at_a_time:
            self._connection.sendall(line)
            assert self._connection.recv(len(line), socket.MSG_WAITALL) == line

    def hang_up(self) -> None:
        """Say goodbye, and close."""
        self.ask("goodbye")
        self._connection.close()


def dial_in_thread(name: str) -> BlockingLine:
    line = BlockingLine(socket.create_connection(address()))
    line.ask(f"open {os.getpid()} {name}")
    return line


@contextmanager
def dialled_in_thread(name: str) -> Generator[BlockingLine]:
    """A line that ends with a goodbye."""
    line = dial_in_thread(name)
    try:
        yield line
    finally:
        line.hang_up()
