"""The load generator: it counts pages, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from . import client


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(
            b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            "an answer that is not a page: b'HTTP/1.1 503 No\\r\\nContent-Length: 0'",
            id="an error",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "an answer that is not a page: "
            "b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked'",
            id="no length",
        ),
        pytest.param(b"", "the server has hung up: None", id="nothing"),
    ],
)
async def test_load_counts_no_answer_that_is_not_a_page(
    answer: bytes, error: str
) -> None:
    """A server that fails fast is not fast."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not answer:
            writer.close()
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(ConnectionError) as raised:
        await client.load(port, 2, 60)

    server.close()
    await server.wait_closed()
    assert str(raised.value) == error


async def test_load_goes_on_until_its_time_is_over() -> None:
    """Answers may come in pieces, and each is counted once."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                asked += 1
                for piece in (
                    b"HTTP/1.1 200 OK\r\ncontent-le",
                    b"ngth: 2\r\n\r\no",
                    b"k",
                ):
                    writer.write(piece)
                    await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    _, seconds = await client.load(port, 2, 0.05)

    server.close()
    await server.wait_closed()
    assert len(seconds) == asked >= 2
