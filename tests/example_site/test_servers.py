"""The demo under each of its servers: all that it serves, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import httpx
import pytest
from mcp import Client
from websockets.asyncio.client import ClientConnection, connect

from example_site.__main__ import SERVERS
from tests.processes import LIMIT

from .demo import Demo, running_demo

# asyncio.Server.wait_closed() then waits for them, and hypercorn for that.
WAITS_FOR_CONNECTIONS = sys.version_info >= (3, 12)

servers = pytest.mark.parametrize("server", SERVERS)

# Against the plan, whatever else stops between them.
STOPPED = ["catalogue", "httpx_client", "book_service"]


def is_refused(url: str) -> bool:
    """Whether nobody listens at *url*."""
    try:
        httpx.get(url, timeout=LIMIT, trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def all_is_closed(demo: Demo) -> None:
    """Assert that resources stopped against the plan, and no process is left."""
    assert [name for name in demo.stopped if name in STOPPED] == STOPPED
    assert {"window", "mcp", "reading_room"} < {*demo.stopped}
    assert is_refused(demo.book_service_url)


@servers
async def test_it_serves_everything_and_closes_it_on_ctrl_c(server: str) -> None:
    """
    Page, static file, JSON, websocket and MCP answer at the first try once the
    address is printed; a live page left open keeps nothing from closing. But
    gunicorn's worker has one second for all of it at Ctrl-C: SIGTERM is for that; and
    hypercorn waits for that page on Python 3.12 and newer.
    """
    with running_demo(SERVER=server) as demo, demo.client() as client:
        page = client.get("/books/14/")
        style = client.get("/static/library/style.css")
        answer = client.get("/api/books/14/")
        async with Client(f"{demo.url}mcp") as model:
            found = await model.call_tool("find_book", {"number": 14})
        async with connect(demo.socket_url, proxy=None, origin=demo.origin) as live:
            await live.send(json.dumps({"search": "moby"}))
            while "found" not in (said := json.loads(await live.recv())):
                pass

            # To the book service too, as a terminal does; it waits to be told to stop.
            demo.process.send(signal.SIGINT, group=True)
            if WAITS_FOR_CONNECTIONS and server == "hypercorn":
                await live.close()
            code = demo.process.wait()
        if server != "gunicorn":
            all_is_closed(demo)

    assert (page.status_code, style.status_code) == (200, 200)
    assert "Call me Ishmael." in page.text
    assert answer.json()["opening"] == "Call me Ishmael."
    assert said["found"] == [answer.json()]
    assert found.structured_content == answer.json()
    assert code == 0
    # They log whom they cancel: the one after three seconds, the other after one.
    is_said = server in {"hypercorn", "gunicorn"}
    assert is_said or "Traceback" not in demo.process.output


@servers
def test_sigterm_closes_everything(server: str) -> None:
    """As an orchestrator ends it."""
    with running_demo(SERVER=server) as demo, demo.client() as client:
        assert client.get("/").status_code == 200
        assert not is_refused(demo.book_service_url)

        code = demo.process.end(signal.SIGTERM)
        all_is_closed(demo)

    # uvicorn passes the signal on to itself when all is closed.
    assert code == (-signal.SIGTERM if server == "uvicorn" else 0)
    assert "Traceback" not in demo.process.output


async def come_and_go(demo: Demo) -> None:
    """A page that opens a book and goes in the middle of the news about it."""
    page = await connect(demo.socket_url, proxy=None, origin=demo.origin)
    await page.send(json.dumps({"read": 24}))
    page.transport.abort()


async def nobody_else_is_there(page: ClientConnection) -> None:
    """Until the news say so."""
    while True:
        news = json.loads(await page.recv())
        if (news["visitors"], news["reading"]) == (1, []):
            return


@servers
async def test_pages_that_go_at_odd_moments_are_gone(server: str) -> None:
    """uvicorn ends a consumer without a word to it, where it sends to such a page."""
    with running_demo(SERVER=server) as demo:
        await asyncio.gather(*[come_and_go(demo) for _ in range(20)])

        async with connect(demo.socket_url, proxy=None, origin=demo.origin) as page:
            await asyncio.wait_for(nobody_else_is_there(page), LIMIT)


def test_sigterm_to_all_keeps_the_books_for_requests_in_flight() -> None:
    """As systemd ends a service: the book service waits until the site is done."""
    with running_demo() as demo:
        url = httpx.URL(demo.url)
        head = f"GET /api/books/6/ HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
        with socket.create_connection((url.host, url.port or 0), LIMIT) as asking:
            asking.sendall(f"{head}Content-Length: 1\r\n\r\n".encode())
            demo.process.send(signal.SIGTERM, group=True)
            # The service has had it by then, for the site has begun to stop.
            while not is_refused(demo.url):
                pass
            asking.sendall(b"x")
            answer = asking.recv(65536)
        demo.process.wait()
        all_is_closed(demo)

    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_killed_demo_leaves_no_child() -> None:
    """Nobody could tell the book service to end: it sees that its stdin is closed."""
    with running_demo() as demo:
        assert demo.url
        books = demo.book_service_url

        code = demo.process.end(signal.SIGKILL)

        assert code == -signal.SIGKILL
        assert is_refused(books)
