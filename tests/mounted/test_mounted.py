"""A FastAPI application and an MCP server in a Django site, under real servers."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from typing_extensions import override

from tests.processes import LIMIT, Process, client, copied, running

PROJECT: Final = Path(__file__).resolve().parent / "project"

DAPHNE: Final = ("-m", "daphne", "-p", "0")
UVICORN: Final = ("-m", "uvicorn", "--port", "0")

servers = pytest.mark.parametrize(
    "server",
    [pytest.param(UVICORN, id="uvicorn"), pytest.param(DAPHNE, id="daphne")],
)
# The sessions of the years before 2026, and the requests without one after them.
protocols = pytest.mark.parametrize("protocol", ["legacy", "auto"])

# What a log has where something went wrong.
WRONG: Final = re.compile(
    "Traceback|ERROR|CRITICAL|different task|never awaited|was destroyed"
    "|ResourceWarning|RuntimeWarning"
)


class Prices(BaseHTTPRequestHandler):
    """A service on loopback that every book costs the same at."""

    def do_GET(self) -> None:
        text = b"7 shillings" if self.path == "/9780141439587" else b"nothing"
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing."""


@pytest.fixture
def prices() -> Generator[str]:
    """Where the prices are."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Prices) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(LIMIT)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scratch project with its database, which no command opens a resource for."""
    site = copied(PROJECT, tmp_path_factory.mktemp("migrated"))
    for command in (["migrate", "--run-syncdb"], ["loaddata", "books"]):
        with running("manage.py", *command, folder=site) as process:
            assert process.wait() == 0, process.output
            assert process.events == []
    return site


@pytest.fixture
def site(migrated: Path, tmp_path: Path) -> Path:
    """The same, in a folder of this test's own."""
    return Path(shutil.copytree(migrated, tmp_path / "site"))


def serving(
    server: tuple[str, ...],
    site: Path,
    prices: str,
    *,
    module: str = "mysite.asgi",
    **variables: str,
) -> AbstractContextManager[Process]:
    """The project under a server."""
    return running(
        *server,
        f"{module}:application",
        folder=site,
        DJANGO_SETTINGS_MODULE="mysite.settings",
        PRICES=prices,
        **variables,
    )


def port_of(process: Process) -> str:
    """Where it listens."""
    return process.until(r"(?:on http://|on TCP address )127.0.0.1:(\d+)")


def wrong(process: Process) -> list[str]:
    """The lines that tell of an error."""
    return [line for line in process.lines if WRONG.search(line)]


@asynccontextmanager
async def connected(port: str, protocol: Any) -> AsyncGenerator[Client]:
    """A real MCP client, which goes through no proxy."""
    async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as http:
        transport = streamable_http_client(
            f"http://127.0.0.1:{port}/mcp", http_client=http
        )
        async with Client(transport, mode=protocol) as mcp:
            yield mcp


async def price_of(mcp: Client, title: str) -> str:
    """What the tool says."""
    called = await mcp.call_tool("price", {"title": title})
    assert not called.is_error, called
    (content,) = called.content
    text: str = content.text  # type: ignore[union-attr]
    return text


@servers
@protocols
async def test_a_tool_uses_the_model_and_the_client_of_the_site(
    server: tuple[str, ...], protocol: str, site: Path, prices: str
) -> None:
    """Listed and called by an MCP client; all starts and stops without an error."""
    with serving(server, site, prices) as process:
        port = await asyncio.to_thread(port_of, process)
        async with connected(port, protocol) as mcp:
            listed = await mcp.list_tools()
            said = [await price_of(mcp, "Emma") for _ in range(2)]

        process.send(signal.SIGTERM)
        await asyncio.to_thread(process.wait)

        assert [tool.name for tool in listed.tools] == ["price"]
        assert said == ["Emma costs 7 shillings"] * 2
        assert process.events == ["+http_client", "+api", "-api", "-http_client"]
        process.until("StreamableHTTP session manager started")
        process.until("StreamableHTTP session manager shutting down")
        assert wrong(process) == []


@servers
def test_each_application_serves_its_part(
    server: tuple[str, ...], site: Path, prices: str
) -> None:
    """Three applications, one client; a request writes on its own copy of the state."""
    with serving(server, site, prices) as process, client(port_of(process)) as browser:
        answers = [browser.get("/api/stock").json() for _ in range(2)]
        page = browser.get("/page").json()

        process.send(signal.SIGTERM)
        process.wait()

        assert (
            answers
            == [
                {
                    "stock": ["Emma"],
                    "price": "7 shillings",
                    "seen before": False,
                    "the site's client": True,
                }
            ]
            * 2
        )
        assert page == {"price": "7 shillings", "books": 1, "stock": ["Emma"]}
        assert process.events == ["+http_client", "+api", "-api", "-http_client"]
        assert wrong(process) == []


async def test_a_client_that_stays_is_cut_off(site: Path, prices: str) -> None:
    """Under Daphne an open stream is ended at SIGTERM, and the sessions with it."""
    with serving(DAPHNE, site, prices, module="mysite.journaled") as process:
        port = await asyncio.to_thread(port_of, process)
        url = f"http://127.0.0.1:{port}/mcp"
        headers = {"accept": "application/json, text/event-stream"}
        async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as http:
            opened = await http.post(url, headers=headers, json=INITIALIZE)
            assert opened.status_code == 200, opened.text
            headers["mcp-session-id"] = opened.headers["mcp-session-id"]
            listening = asyncio.create_task(http.get(url, headers=headers))
            arrived = partial(process.until_event, "http arrives", nth=2)
            await asyncio.to_thread(arrived)

            process.send(signal.SIGTERM)

            with pytest.raises(httpx2.HTTPError):
                await listening
        assert await asyncio.to_thread(process.wait) == 0
        assert process.events == [
            *["+http_client", "+api"],
            *["http arrives", "http arrives"],
            *["-api", "-http_client"],
        ]
        assert wrong(process) == []


INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"},
    },
}


@servers
def test_a_mounted_application_that_does_not_start_keeps_the_site_down(
    server: tuple[str, ...], site: Path, prices: str
) -> None:
    """The error names the resource that mounts it, and has its own traceback."""
    text = (site / "mysite" / "mounts.py").read_text("utf-8").splitlines()
    declaration = 'api_state = lifespan_resource("api", needs=(http_client,))('
    line = text.index(declaration) + 1
    with serving(server, site, prices, FAIL="1") as process:
        code = process.wait()

        assert code == 3
        assert process.events == ["+http_client", "-http_client"]
        said = [
            "while starting lifespan resource 'api'",
            f"    mysite/mounts.py:{line}  {declaration}",
        ]
        assert "\n".join(said) in process.output
        assert "RuntimeError: no stock" in process.output
        assert (
            "the ASGI application FastAPI failed at lifespan.startup: "
            in process.output
        )
