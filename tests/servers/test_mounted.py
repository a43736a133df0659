"""A FastAPI application and an MCP server in a Django site, under real servers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from signal import SIGTERM
from threading import Thread
from typing import Any, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.processes import LIMIT, client, running

from .server import Server, each
from .servers import DAPHNE, UVICORN
from .serving import SITE, Serving, serving

# The lines of a log that tell of an error.
WRONG: Final = re.compile(
    "Traceback|ERROR|CRITICAL|different task|never awaited|was destroyed"
    "|ResourceWarning|RuntimeWarning"
)
EVENTS: Final = ["+http_client", "+api", "-api", "-http_client"]


class Prices(BaseHTTPRequestHandler):
    """A service on loopback with one price for every book."""

    def do_GET(self) -> None:
        text = b"7 shillings" if self.path == "/9780141439587" else b"nothing"
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


SET_UP: Final = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True)
call_command("loaddata", "books")
"""


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, str]]:
    """The environment of the site: its app, a database with one book, and prices."""
    found = {
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "DATABASE": str(tmp_path_factory.mktemp("books") / "db.sqlite3"),
    }
    with running("-c", SET_UP, folder=SITE, **found) as process:
        assert process.wait() == 0, process.output
    with ThreadingHTTPServer(("127.0.0.1", 0), Prices) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        prices = f"http://127.0.0.1:{server.server_address[1]}"
        yield {**found, "APPS": "mounts", "PRICES": prices}
        server.shutdown()
        thread.join(LIMIT)


def mounted(
    server: Server, variables: dict[str, str]
) -> AbstractContextManager[Serving]:
    application = "mounts.asgi:application"
    return serving(server, application=application, LOG_LEVEL="INFO", **variables)


async def prices(url: str, protocol: Any) -> list[str]:
    """Ask the MCP server twice, after its only tool has been listed."""
    async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=protocol) as mcp:
            listed = await mcp.list_tools()
            assert [tool.name for tool in listed.tools] == ["price"]
            called = [await mcp.call_tool("price", {"title": "Emma"}) for _ in range(2)]
    return [content.text for each in called for content in each.content]  # type: ignore[union-attr]


@each([UVICORN, DAPHNE], quick=[UVICORN])
@pytest.mark.parametrize("protocol", ["legacy", "auto"])
def test_three_applications_share_one_client(
    server: Server, protocol: str, variables: dict[str, str]
) -> None:
    """
    An MCP tool uses a model and the client; FastAPI has its own state, and each
    request a copy of it. ``legacy`` has MCP's sessions, newer requests have none.
    """
    with mounted(server, variables) as site, client(site.port) as browser:
        site.process.until(server.ready)
        site.until_listening()
        said = asyncio.run(prices(f"http://127.0.0.1:{site.port}/mcp", protocol))
        answers = [browser.get("/api/stock").json() for _ in range(2)]
        page = browser.get("/page").json()
        site.process.end(SIGTERM)

        stock = {
            "stock": ["Emma"],
            "price": "7 shillings",
            "seen before": False,
            "the site's client": True,
        }
        assert said == ["Emma costs 7 shillings"] * 2
        assert answers == [stock] * 2
        assert page == {"price": "7 shillings", "books": 1, "stock": ["Emma"]}
        assert site.events == EVENTS
        assert "StreamableHTTP session manager started" in site.process.output
        assert "StreamableHTTP session manager shutting down" in site.process.output
        assert [line for line in site.process.lines if WRONG.search(line)] == []


@each([UVICORN, DAPHNE], quick=[UVICORN])
def test_a_mounted_application_that_fails_to_start_fails_the_site(
    server: Server, variables: dict[str, str]
) -> None:
    """The error has the mounting resource, its location, and the cause."""
    with mounted(server, {**variables, "FAIL": "start"}) as site:
        code = site.process.wait()

        assert code == 3
        assert site.events == ["+http_client", "-http_client"]
        assert "resource 'api'" in site.process.output
        assert "mounts/lifespan.py:" in site.process.output
        assert "RuntimeError: no stock" in site.process.output
        assert "FastAPI" in site.process.output
