"""The demo under each of its servers: everything that it serves, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
from mcp import Client
from websockets.asyncio.client import connect

from example_site.__main__ import SERVERS
from tests.processes import LIMIT, is_refused, reserved_port

from .demo import MANAGE, Demo, running_command, running_demo

# On Python 3.12 and later hypercorn waits for open connections at its end.
WAITS_FOR_CONNECTIONS = sys.version_info >= (3, 12)

# Dependents before their dependencies; other resources may stop between these.
IN_ORDER = ["catalogue", "httpx_client", "book_service"]
OTHERS = {"change_window", "daily_catalogue", "mcp", "reading_room", "window"}


def is_down(url: str) -> bool:
    return is_refused(str(httpx.URL(url).port))


def assert_closed(demo: Demo) -> None:
    """All resources have shut down in order, and no process is left."""
    assert [name for name in demo.stopped if name in IN_ORDER] == IN_ORDER
    assert {*demo.stopped} > OTHERS
    assert is_down(demo.book_service_url)


async def open_a_book_and_disconnect(demo: Demo) -> None:
    """Abort a websocket while the server sends to it."""
    page = await connect(demo.socket_url, proxy=None, origin=demo.origin)
    await page.send(json.dumps({"read": 24}))
    page.transport.abort()


@pytest.mark.parametrize("server", SERVERS)
async def test_a_server_serves_everything_and_closes_it_on_ctrl_c(server: str) -> None:
    """
    An open live page delays nothing, except for hypercorn on Python 3.12 and later.
    gunicorn's worker has one second to close at Ctrl-C, which is too short.
    """
    with running_demo(SERVER=server) as demo, demo.client() as client:
        page = client.get("/books/14/")
        style = client.get("/static/library/style.css")
        answer = client.get("/api/books/14/")
        async with Client(f"{demo.url}mcp") as model:
            found = await model.call_tool("find_book", {"number": 14})
        await asyncio.gather(*[open_a_book_and_disconnect(demo) for _ in range(20)])
        async with connect(demo.socket_url, proxy=None, origin=demo.origin) as live:
            # The aborted pages are gone.
            while True:
                news = json.loads(await asyncio.wait_for(live.recv(), LIMIT))
                if (news["visitors"], news["reading"]) == (1, []):
                    break
            await live.send(json.dumps({"search": "moby"}))
            while "found" not in (said := json.loads(await live.recv())):
                pass

            # A terminal sends SIGINT to the book service, too.
            demo.process.send(signal.SIGINT, group=True)
            if WAITS_FOR_CONNECTIONS and server == "hypercorn":
                await live.close()
            code = demo.process.wait()
        if server != "gunicorn":
            assert_closed(demo)

    assert (page.status_code, style.status_code) == (200, 200)
    assert answer.json()["opening"] == "Call me Ishmael."
    assert said["found"] == [answer.json()]
    assert found.structured_content == answer.json()
    assert code == 0


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_sigterm_closes_everything(server: str) -> None:
    with running_demo(SERVER=server) as demo, demo.client() as client:
        assert client.get("/").status_code == 200

        code = demo.process.end(signal.SIGTERM)
        assert_closed(demo)

    # uvicorn raises the signal again after its shutdown.
    assert code == (-signal.SIGTERM if server == "uvicorn" else 0)
    assert "Traceback" not in demo.process.output


def test_the_book_service_outlives_requests_when_sigterm_reaches_all() -> None:
    """systemd sends SIGTERM to every process of a service."""
    with running_demo() as demo, demo.client() as client:
        url = httpx.URL(demo.url)
        head = f"GET /api/books/6/ HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
        with socket.create_connection((url.host, url.port or 0), LIMIT) as asking:
            asking.sendall(f"{head}Content-Length: 1\r\n\r\n".encode())
            # The server has read the request above when it answers this one.
            client.get("/livez")
            demo.process.send(signal.SIGTERM, group=True)
            # When the site has begun to stop, the service has received the signal.
            while not is_down(demo.url):
                pass
            asking.sendall(b"x")
            answer = asking.recv(65536)
        demo.process.wait()
        assert_closed(demo)

    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_killed_demo_leaves_no_child() -> None:
    """The book service ends because its stdin is closed."""
    with running_demo() as demo:
        assert demo.url
        books = demo.book_service_url

        demo.process.end(signal.SIGKILL)

        assert is_down(books)


@pytest.mark.parametrize(
    ("runserver", "ready"),
    [
        ("daphne", "Starting ASGI/Daphne"),
        ("wsgi", "Starting (?:WSGI )?development server"),
    ],
)
def test_runserver_serves_each_page_and_closes_on_ctrl_c(
    runserver: str, ready: str, tmp_path: Path
) -> None:
    with running_command(MANAGE, "prepare_demo", folder=tmp_path) as prepared:
        assert prepared.wait() == 0
    paths = (
        *("/", "/books/6/", "/authors/", "/reading-list/", "/live/", "/visits/"),
        *("/api/books/", "/readyz", "/admin/login/", "/static/library/style.css"),
    )

    port = reserved_port()
    command = (MANAGE, "runserver", f"127.0.0.1:{port}", "--noreload")
    with running_command(*command, folder=tmp_path, RUNSERVER=runserver) as server:
        server.until(ready)
        # The line comes before the server listens.
        retrying = httpx.HTTPTransport(retries=10)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=LIMIT, transport=retrying
        ) as client:
            answers = {path: client.get(path).status_code for path in paths}

        assert server.end(signal.SIGINT) == 0
        stopped = server.found(r": stopped '(\w+)'")

    assert answers == dict.fromkeys(paths, 200)
    assert [name for name in stopped if name in IN_ORDER] == IN_ORDER
    assert "Traceback" not in server.output
