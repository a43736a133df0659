"""A load generator: connections that repeat a request after each answer."""

from __future__ import annotations

import asyncio
import re
from time import perf_counter
from typing import Final, final

_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\ncontent-length: (\d+)", re.IGNORECASE)


async def load(
    port: int, connections: int, seconds: float
) -> tuple[float, list[float]]:
    """Send requests for *seconds*; the total time, and the time of each answer."""
    loop = asyncio.get_running_loop()
    clients: list[_Connection] = []
    try:
        for _ in range(connections):
            _, client = await loop.create_connection(_Connection, "127.0.0.1", port)
            clients.append(client)
        began = perf_counter()
        for client in clients:
            client.ask_until(began + seconds)
        ends = await asyncio.gather(
            *(client.over for client in clients), return_exceptions=True
        )
        took = perf_counter() - began
    finally:
        for client in clients:
            client.transport.close()
            await client.closed
    for failure in filter(None, ends):
        raise failure
    return took, [each for client in clients for each in client.seconds]


@final
class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.seconds: list[float] = []
        self._got = b""
        self._until = 0.0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask_until(self, until: float) -> None:
        self._until = until
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(_END)
        if not end:
            return
        length = _LENGTH.search(head)
        if length is None or not head.startswith(b"HTTP/1.1 200 "):
            self._fail(f"an answer that is not a page: {head!r}")
            return
        if len(body) < int(length[1]):
            return
        now = perf_counter()
        self.seconds.append(now - self._asked_at)
        self._got = b""
        if now < self._until:
            self._ask()
        else:
            self.over.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server has hung up: {exc}")
        self.closed.set_result(None)

    def _ask(self) -> None:
        self._asked_at = perf_counter()
        self.transport.write(_REQUEST)

    def _fail(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(ConnectionError(why))
