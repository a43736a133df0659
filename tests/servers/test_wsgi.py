"""WSGI servers: one async client for every kind of view, closed at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from signal import SIGTERM, Signals

import pytest

from tests.processes import LIMIT, UNMEASURED, client, running

from .server import Server, each, signals
from .servers import GTHREAD, SYNC, WSGI
from .serving import SITE, Serving, serving

CLOSE = {"Connection": "close"}


class Warehouse(ThreadingHTTPServer):
    """An HTTP server that keeps connections alive, and counts them."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        self.held = threading.Event()
        self.release = threading.Event()
        super().__init__(("127.0.0.1", 0), Answers)


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Warehouse
    lock = threading.Lock()

    def setup(self) -> None:
        with self.lock:
            self.server.connections += 1
        super().setup()

    def do_GET(self) -> None:
        if self.path == "/held":
            self.server.held.set()
            assert self.server.release.wait(LIMIT)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"books")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def warehouse() -> Generator[Warehouse]:
    with Warehouse() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


Serve = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture
def serve(warehouse: Warehouse, tmp_path: Path) -> Serve:
    def serve(
        server: Server, *options: str, **variables: str | None
    ) -> AbstractContextManager[Serving]:
        return serving(
            server,
            *options,
            APPS="warehouse",
            DATABASE=str(tmp_path / "db.sqlite3"),
            WAREHOUSE=f"http://127.0.0.1:{warehouse.server_port}",
            **variables,
        )

    return serve


def clients(site: Serving) -> dict[str, list[str]]:
    """The events of the client of each process that has started one."""
    found = {
        pid: [event for event in events if "client" in event]
        for pid, events in site.workers.items()
    }
    return {pid: events for pid, events in found.items() if events}


@each(WSGI, quick=[GTHREAD])
def test_one_client_serves_every_kind_of_view(
    server: Server, serve: Serve, warehouse: Warehouse, tmp_path: Path
) -> None:
    """
    One connection per process serves all views, and async code sees the rows of a
    transaction, which are rolled back.
    """
    with running(
        *("manage.py", "migrate", "--run-syncdb", "-v", "0"),
        folder=SITE,
        APPS="warehouse",
        DATABASE=str(tmp_path / "db.sqlite3"),
    ) as migrate:
        assert migrate.wait() == 0, migrate.output
    with serve(server) as site, client(site.port) as browser:
        site.until_ready()
        browser.headers = CLOSE  # type: ignore[assignment]
        before = clients(site)
        kinds = ("sync", "async", "mixed", "async", "sync") * 2
        answers = [browser.get(f"/{kind}") for kind in kinds]
        streamed = browser.get("/streaming").text
        seen = [
            browser.get(path).json()["seen"]
            for path in (
                *("/rollback", "/count", "/count?in-atomic"),
                *("/count", "/rollback?in-atomic", "/count"),
            )
        ]

        assert before == {}
        assert [each.json()["got"] for each in answers] == [["books", "books"]] * 10
        assert streamed == "books\nbooks\n"
        assert seen == [2, 0, 1, 0, 3, 0]
        assert 1 <= len(clients(site)) <= server.workers
        assert warehouse.connections == len(clients(site))


@each([GTHREAD, SYNC], quick=[GTHREAD])
@signals
def test_gunicorn_closes_everything_after_requests_in_flight(
    server: Server, number: Signals, serve: Serve, warehouse: Warehouse
) -> None:
    # A traced main thread would starve while the signal waits.
    with (
        serve(server, **UNMEASURED) as site,
        client(site.port) as browser,
        ThreadPoolExecutor(1) as threads,
    ):
        site.until_ready()
        answer = threads.submit(browser.get, "/held")
        assert warehouse.held.wait(LIMIT)
        site.process.send(number)
        site.process.until(server.stopping)
        closed_early = "-client" in site.events
        if number is SIGTERM:
            warehouse.release.set()
            assert answer.result().text == "books"
        warehouse.release.set()
        code = site.process.wait()

        assert not closed_early
        assert code == 0
        assert list(clients(site).values()) == [["+client", "-client"]]


@each([GTHREAD, SYNC])
def test_a_recycled_worker_closes_its_client(server: Server, serve: Serve) -> None:
    with (
        serve(server, "--max-requests", "1", "-w", "1") as site,
        client(site.port) as browser,
    ):
        site.process.until(server.ready)
        first = browser.get("/async").json()["pid"]
        site.process.until(rf"^@{first} -client$")
        second = browser.get("/async").json()["pid"]
        site.process.end(SIGTERM)

        assert first != second
        assert list(clients(site).values()) == [["+client", "-client"]] * 2
