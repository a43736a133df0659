"""The pages about clients: httpx, Redis, PostgreSQL, a file, a background task."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from tests.processes import LIMIT, client, running

from .conftest import Site
from .pages import command
from .services import Service
from .sites import Served, serving


class Books(BaseHTTPRequestHandler):
    """A service that keeps connections open, and knows who asked through which."""

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
        """Prints nothing."""


@pytest.fixture
def books() -> Generator[tuple[str, set[Any]]]:
    """Where the service is, and the connections that came."""
    connections: set[Any] = set()
    handler = type("OurBooks", (Books,), {"connections": connections})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", connections
        server.shutdown()
        thread.join(LIMIT)


def end(served: Served, *resources: str) -> None:
    """Stop it: all closes, against the order of the start, and nothing complains."""
    served.process.end(signal.SIGTERM)

    assert served.started == list(resources), served.process.output
    assert served.stopped == list(resources)[::-1], served.process.output
    assert served.wrong == [], served.process.output


successor = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="httpx2 needs Python 3.11"
)
clients = pytest.mark.parametrize(
    "name", ["httpx", pytest.param("httpx2", marks=successor)]
)


# What would ask the service for something else than a book.
OTHERS = ["/books/978%3Fadmin=1", "/books/..%3Fq=1", "/books/..%2Fadmin", "/books/%00"]


@clients
def test_views_share_the_connection_of_one_client(
    name: str, site: Site, books: tuple[str, set[Any]]
) -> None:
    """Sync ones too: five requests go through one connection."""
    url, connections = books
    folder = site(name)
    with serving("httpx", "uvicorn", folder, BOOKS_URL=url, NO_PROXY="*") as served:
        with client(served.port) as browser:
            paths = ["/books/1", "/sync/2", "/books/3", "/sync/4", "/books/5"]
            answers = [browser.get(path).text for path in paths]
            others = [browser.get(path) for path in OTHERS]

        assert [answer.status_code for answer in others] == [404] * len(OTHERS)
        assert answers == [f"the book at /books/{number}" for number in range(1, 6)]
        assert len(connections) == 1
        end(served, f"{name}_client")


@clients
def test_the_tests_of_the_page_pass(name: str, site: Site) -> None:
    """The real client is not even made."""
    with running(*command("httpx", "python manage.py"), folder=site(name)) as process:
        assert process.wait() == 0, process.output
        assert "Ran 2 tests" in process.output


def test_redis_counts_visits_until_it_is_gone(site: Site, redis: Service) -> None:
    """And readiness says so when it is."""
    with serving("redis", "uvicorn", site("redis"), REDIS_URL=redis.url) as served:
        with client(served.port) as browser:
            visits = [browser.get("/visits").json() for _ in range(3)]
            ready = browser.get("/readyz").status_code
            redis.stop()
            until_not_ready(browser)
            alive = browser.get("/livez").status_code

        assert visits == [{"visits": 1}, {"visits": 2}, {"visits": 3}]
        assert (ready, alive) == (200, 200)
        served.process.until("'redis' is not healthy")
        served.process.end(signal.SIGTERM)
        assert served.stopped == ["redis"]


def test_without_redis_the_start_fails_and_says_where(
    site: Site, redis: Service
) -> None:
    """Nothing is served."""
    redis.stop()
    arguments = command("redis", "uvicorn")
    with running(*arguments, folder=site("redis"), REDIS_URL=redis.url) as process:
        assert process.wait() == 3

        assert "while starting lifespan resource 'redis'" in process.output
        assert '    mysite/lifespan.py:9  @lifespan_resource("redis")' in process.output


def test_postgresql_answers_through_a_pool(site: Site, postgresql: Service) -> None:
    """Which holds as many connections as it is told, and gives them back."""
    folder = site("postgresql")
    with serving(
        "postgresql", "uvicorn", folder, POSTGRESQL_URL=postgresql.url
    ) as served:
        with client(served.port) as browser:
            answers = [browser.get("/answer").json() for _ in range(20)]
            ready = browser.get("/readyz").status_code

        assert {answer["answer"] for answer in answers} == {42}
        assert len({answer["backend"] for answer in answers}) <= 2
        assert ready == 200
        end(served, "pool")


def test_postgresql_that_is_gone_makes_readiness_fail(
    site: Site, postgresql: Service
) -> None:
    """And not liveness: a restart would mend nothing."""
    folder = site("postgresql")
    with serving(
        "postgresql", "uvicorn", folder, POSTGRESQL_URL=postgresql.url
    ) as served:
        with client(served.port) as browser:
            ready = browser.get("/readyz").status_code
            postgresql.stop()
            until_not_ready(browser)
            alive = browser.get("/livez").status_code

        assert (ready, alive) == (200, 200)
        served.process.until("'pool' is not healthy")
        served.process.end(signal.SIGTERM)
        assert served.stopped == ["pool"]


def test_prices_are_found_in_the_file(site: Site) -> None:
    """It is mapped while the site runs, and unmapped after."""
    folder = site("model-in-memory")
    # First and last lines are lines, too.
    (folder / "prices.txt").write_text((folder / "prices.txt").read_text().strip())
    with serving("model-in-memory", "uvicorn", folder) as served:
        with client(served.port) as browser:
            found = [browser.get(f"/prices/{isbn}") for isbn in ISBNS]

        assert [answer.status_code for answer in found] == [200, 200, 200, 404]
        assert [a.text for a in found[:3]] == ["6.99", "7.99", "12.50"]
        end(served, "prices")


ISBNS = ["9780141439518", "9780141439587", "9780142437247", "9780000000000"]

tasks = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "background-task",
            marks=pytest.mark.skipif(
                sys.version_info < (3, 11), reason="asyncio.TaskGroup is of Python 3.11"
            ),
            id="asyncio",
        ),
        pytest.param("background-task-anyio", id="anyio"),
    ],
)


@tasks
def test_rates_are_kept_fresh(name: str, site: Site) -> None:
    """By a task that ends with the site."""
    folder = site(name)
    with serving("background-task", "uvicorn", folder) as served:
        with client(served.port) as browser:
            before = browser.get("/rates").json()
            fresh = folder / "fresh.json"
            fresh.write_text(json.dumps({"EUR": 1.1}), "utf-8")
            fresh.replace(folder / "rates.json")
            # How long that takes is the machine's; the test's time limit holds it.
            while browser.get("/rates").json() != {"EUR": 1.1}:
                pass

        assert before == {"EUR": 1.08}
        end(served, "rates")


@tasks
def test_a_task_that_dies_is_noticed(name: str, site: Site) -> None:
    """The log has its traceback, and readiness fails."""
    folder = site(name)
    with serving("background-task", "uvicorn", folder) as served:
        with client(served.port) as browser:
            before = browser.get("/readyz").status_code
            (folder / "rates.json").unlink()
            served.process.until("FileNotFoundError")
            after = until_not_ready(browser)

        assert before == 200
        assert after["checks"]["rates"][0]["status"] == "fail"


def until_not_ready(browser: Any) -> Any:
    """What readiness says when it fails; the test's time limit holds it."""
    while (answer := browser.get("/readyz")).status_code == 200:
        pass
    assert answer.status_code == 503
    return answer.json()
