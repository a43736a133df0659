"""The pages on clients: httpx, Redis, PostgreSQL, a file."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from tests.docs.pages import command
from tests.processes import LIMIT, client, running

from .conftest import Site
from .services import Service
from .sites import HOW_TO, run, serving


def wait_until_not_ready(browser: Any) -> Any:
    """Ask until readiness fails; pytest-timeout ends a test that waits for ever."""
    while (answer := browser.get("/readyz")).status_code == 200:
        pass
    assert answer.status_code == 503
    return answer.json()


# --- httpx


class Books(BaseHTTPRequestHandler):
    """A service that keeps connections open, and records their addresses."""

    protocol_version = "HTTP/1.1"
    connections: set[Any]

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        text = f"the book at {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def books() -> Generator[tuple[str, set[Any]]]:
    """The URL of the service, and the connections that it received."""
    connections: set[Any] = set()
    handler = type("OurBooks", (Books,), {"connections": connections})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", connections
        server.shutdown()
        thread.join(LIMIT)


@pytest.fixture(
    params=[
        "httpx",
        pytest.param(
            "httpx2",
            marks=pytest.mark.skipif(
                sys.version_info < (3, 11), reason="httpx2 needs Python 3.11"
            ),
        ),
    ],
)
def httpx_site(request: pytest.FixtureRequest, site: Site) -> Path:
    """The project of the page, with the client renamed as the page says."""
    folder = site("httpx")
    for path in (folder / "mysite").glob("*.py"):
        renamed = path.read_text("utf-8").replace("httpx", request.param)
        path.write_text(renamed, "utf-8")
    return folder


# Addresses that would ask the service for something other than a book.
NOT_BOOKS = [
    "/books/978%3Fadmin=1",
    "/books/..%3Fq=1",
    "/books/..%2Fadmin",
    "/books/%00",
]


def test_async_and_sync_views_share_one_connection(
    httpx_site: Path, books: tuple[str, set[Any]]
) -> None:
    url, connections = books
    with serving(
        "httpx.md", "uvicorn", httpx_site, BOOKS_URL=url, NO_PROXY="*"
    ) as served:
        with client(served.port) as browser:
            paths = ["/books/1", "/sync/2", "/books/3", "/sync/4", "/books/5"]
            answers = [browser.get(path).text for path in paths]
            others = [browser.get(path).status_code for path in NOT_BOOKS]
        served.end()

    assert answers == [f"the book at /books/{number}" for number in range(1, 6)]
    assert others == [404] * len(NOT_BOOKS)
    assert len(connections) == 1


def test_the_tests_of_the_httpx_page_pass(httpx_site: Path) -> None:
    assert "Ran 2 tests" in run("httpx.md", "python manage.py", httpx_site).output


# --- Redis, PostgreSQL


def assert_ready_until_it_stops(browser: Any, service: Service) -> None:
    """The site is ready until its service stops, and alive even then."""
    assert browser.get("/readyz").status_code == 200
    service.stop()
    wait_until_not_ready(browser)
    assert browser.get("/livez").status_code == 200


def test_redis_counts_visits_until_it_stops(site: Site, redis: Service) -> None:
    with serving("redis.md", "uvicorn", site("redis"), REDIS_URL=redis.url) as served:
        with client(served.port) as browser:
            visits = [browser.get("/visits").json()["visits"] for _ in range(3)]
            assert_ready_until_it_stops(browser, redis)
        served.process.end(signal.SIGTERM)

    assert visits == [1, 2, 3]
    assert served.stopped == ["redis"]


def test_without_redis_startup_fails_with_the_location(
    site: Site, redis: Service
) -> None:
    redis.stop()
    arguments = command(HOW_TO / "redis.md", "uvicorn")
    with running(*arguments, folder=site("redis"), REDIS_URL=redis.url) as process:
        assert process.wait() == 3

    assert "'redis'" in process.output
    assert '    mysite/lifespan.py:9  @lifespan_resource("redis")' in process.output


def test_postgresql_answers_through_a_pool_until_it_stops(
    site: Site, postgresql: Service
) -> None:
    with serving(
        "postgresql.md",
        "uvicorn",
        site("postgresql"),
        POSTGRESQL_URL=postgresql.url,
    ) as served:
        with client(served.port) as browser:
            answers = [browser.get("/answer").json() for _ in range(20)]
            assert_ready_until_it_stops(browser, postgresql)
        served.process.end(signal.SIGTERM)

    assert {answer["answer"] for answer in answers} == {42}
    assert len({answer["backend"] for answer in answers}) <= 2
    assert served.stopped == ["pool"]


# --- A model in memory


def test_prices_are_found_in_the_file(site: Site) -> None:
    folder = site("model-in-memory")
    # The first and the last line have no newline on one side.
    (folder / "prices.txt").write_text((folder / "prices.txt").read_text().strip())
    isbns = ["9780141439518", "9780141439587", "9780142437247", "9780000000000"]
    with serving("model-in-memory.md", "uvicorn", folder) as served:
        with client(served.port) as browser:
            found = [browser.get(f"/prices/{isbn}") for isbn in isbns]
        served.end()

    assert [answer.status_code for answer in found] == [200, 200, 200, 404]
    assert [answer.text for answer in found[:3]] == ["6.99", "7.99", "12.50"]
