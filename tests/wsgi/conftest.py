"""Fixtures of the WSGI tests."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.processes import Process, running


class Warehouse(ThreadingHTTPServer):
    """An HTTP server that keeps connections alive, and counts them."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        self.held = threading.Event()
        self.release = threading.Event()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Clerk)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def count(self) -> None:
        """One more connection."""
        with self._lock:
            self.connections += 1


class _Clerk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Warehouse

    def setup(self) -> None:
        self.server.count()
        super().setup()

    def do_GET(self) -> None:
        if self.path == "/held":
            self.server.held.set()
            assert self.server.release.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"books")

    def log_message(self, *_: object) -> None:
        """Not on the test's output."""


@pytest.fixture
def warehouse() -> Generator[Warehouse]:
    """What the shop's client talks to."""
    with Warehouse() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


Shop = Callable[..., AbstractContextManager[Process]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a copy of the shop is, to be changed, with an empty database."""
    source = Path(__file__).parent / "shop"
    shutil.copytree(
        source, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


@pytest.fixture
def shop(place: Path, warehouse: Warehouse) -> Shop:
    """Runs a command for the shop."""

    def run(*command: str, **variables: str | None) -> AbstractContextManager[Process]:
        return running(
            *command,
            folder=place,
            PYTHONUNBUFFERED="1",
            # It reports what others leave to the end of a process.
            PYTHONDEVMODE=None,
            DJANGO_SETTINGS_MODULE="shop.settings",
            SHOP_DATABASE=str(place / "shop.sqlite3"),
            SHOP_WAREHOUSE=warehouse.url,
            **variables,
        )

    return run


@pytest.fixture
def migrated(shop: Shop) -> None:
    """The shop's tables."""
    with shop("-m", "shop.manage", "migrate", "-v", "0") as child:
        assert child.wait() == 0, child.output
