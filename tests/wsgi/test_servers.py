"""WSGI servers, unmodified, in processes of their own."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.processes import LIMIT, UNMEASURED, Process

from .conftest import Shop, Warehouse


@dataclass(frozen=True)
class Server:
    """A command, and how it tells its address."""

    name: str
    command: tuple[str, ...]
    listens: str
    workers: int = 1

    def __str__(self) -> str:
        return self.name

    def client(self, child: Process) -> httpx.Client:
        """A browser, so to speak, which keeps no connection."""
        return httpx.Client(
            base_url=child.until(self.listens),
            timeout=LIMIT,
            trust_env=False,
            headers={"Connection": "close"},
        )


# Its control socket would be a thread in the process that forks.
GUNICORN = (
    *("-m", "gunicorn", "--no-control-socket"),
    *("--bind", "127.0.0.1:0", "shop.wsgi"),
)
ON = r"(http://127\.0\.0\.1:[1-9]\d+)"
RUNSERVER = ("-m", "shop.manage", "runserver", "127.0.0.1:0")

GTHREAD = Server(
    "gunicorn -k gthread --preload -w 2",
    (*GUNICORN, "-k", "gthread", "--threads", "4", "--preload", "-w", "2"),
    rf"Listening at: {ON}",
    workers=2,
)
SYNC = Server(
    "gunicorn -k sync", (*GUNICORN, "-k", "sync", "-w", "1"), rf"Listening at: {ON}"
)
NO_RELOAD = Server(
    "runserver --noreload",
    (*RUNSERVER, "--noreload"),
    rf"development server at {ON}/",
)
RELOAD = Server("runserver", RUNSERVER, rf"development server at {ON}/")

EVERY = [GTHREAD, SYNC, NO_RELOAD, RELOAD]
servers = pytest.mark.parametrize("server", EVERY, ids=str)


def workers(child: Process) -> set[str]:
    """The processes that have opened the client."""
    return set(child.found(r"^\[(\d+)\] \+client$"))


@servers
def test_one_client_serves_every_kind_of_view(
    server: Server, shop: Shop, warehouse: Warehouse
) -> None:
    """It has one connection per process, and every view of that process used it."""
    with shop(*server.command) as child, server.client(child) as browser:
        kinds = ("sync", "async", "mixed", "async", "sync") * 3
        answers = [browser.get(f"/{kind}") for kind in kinds]
        streamed = browser.get("/streaming")

        assert [answer.status_code for answer in answers] == [200] * 15, child.output
        assert {tuple(answer.json()["got"]) for answer in answers} == {
            ("books", "books")
        }
        assert streamed.text == "books\nbooks\n"
        assert warehouse.connections == len(workers(child)) <= server.workers
        assert child.found(r"^\[\d+\] (\+client)$") == ["+client"] * len(workers(child))


@servers
@pytest.mark.usefixtures("migrated")
def test_atomic_holds_across_sync_and_async_code(server: Server, shop: Shop) -> None:
    """Async code sees the rows of the transaction, and they are taken back."""
    with shop(*server.command) as child, server.client(child) as browser:
        seen = [
            browser.get(path).json()["seen"]
            for path in (
                *("/rollback", "/count"),
                *("/count?in-atomic", "/count"),
                *("/rollback?in-atomic", "/count"),
            )
        ]

    assert seen == [2, 0, 1, 0, 3, 0]


@pytest.mark.parametrize("server", [GTHREAD, SYNC, NO_RELOAD], ids=str)
def test_nothing_starts_before_the_first_request(server: Server, shop: Shop) -> None:
    """The application is imported without a thread or a resource, also to be forked."""
    with shop(*server.command) as child, server.client(child) as browser:
        imported = child.until(r"^\[\d+\] imported, with .*$")
        before = workers(child)
        pid = str(browser.get("/async").json()["pid"])

        assert "lifespan loop" not in imported
        assert before == set()
        assert workers(child) == {pid}
        if server is GTHREAD:
            assert imported.startswith(f"[{child.pid}]")
            assert pid != str(child.pid)
            assert child.found("imported, with") == ["imported, with"]


@pytest.mark.parametrize("server", [GTHREAD, NO_RELOAD], ids=str)
def test_first_requests_at_once_start_once(server: Server, shop: Shop) -> None:
    """Whoever comes while it starts waits for it."""
    with shop(*server.command) as child, server.client(child) as browser:
        with ThreadPoolExecutor(16) as threads:
            answers = list(
                threads.map(lambda _: browser.get("/async").status_code, range(16))
            )
        code = child.end(signal.SIGINT)
        started = child.found(r"^\[(\d+)\] \+client$")

        assert code == 0, child.output
        assert answers == [200] * 16
        assert len(started) == len(set(started)) <= server.workers


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"]
)
@pytest.mark.parametrize("server", [GTHREAD, SYNC], ids=str)
def test_gunicorn_closes_at_the_end(
    server: Server, number: signal.Signals, shop: Shop
) -> None:
    """Each worker what it has opened; on either signal."""
    with shop(*server.command) as child, server.client(child) as browser:
        for _ in range(8):
            assert browser.get("/sync").status_code == 200
        opened = workers(child)

        code = child.end(number)

        assert code == 0, child.output
        assert sorted(child.found(r"^\[(\d+)\] -client$")) == sorted(opened) != []


@pytest.mark.parametrize("server", [GTHREAD, SYNC], ids=str)
def test_a_worker_that_gunicorn_retires_closes_what_it_has(
    server: Server, shop: Shop
) -> None:
    """``--max-requests``: the next worker starts its own."""
    with (
        shop(*server.command, "--max-requests", "1", "-w", "1") as child,
        server.client(child) as browser,
    ):
        first = browser.get("/async").json()["pid"]
        child.until(rf"^\[{first}\] -client$")
        second = browser.get("/async").json()["pid"]
        child.end(signal.SIGTERM)

        assert first != second
        assert child.found(r"^\[(\d+)\] -client$") == [str(first), str(second)]


@pytest.mark.parametrize("server", [GTHREAD, SYNC], ids=str)
def test_a_request_in_flight_at_sigterm_is_served_before_the_stop(
    server: Server, shop: Shop, warehouse: Warehouse
) -> None:
    """Its client is closed after it, not under it."""
    with (
        # Its main thread waits for the view while the signal comes.
        shop(*server.command, **UNMEASURED) as child,
        server.client(child) as browser,
        ThreadPoolExecutor(1) as threads,
    ):
        answer = threads.submit(browser.get, "/held")
        assert warehouse.held.wait(LIMIT)
        child.send(signal.SIGTERM)
        child.until("Handling signal: term")
        closed_early = child.found(r"^\[\d+\] (-client)$")
        warehouse.release.set()
        code = child.wait()

        assert (answer.result().text, code, closed_early) == ("books", 0, [])
        assert child.found(r"^\[\d+\] (.client)$") == ["+client", "-client"]


def test_runserver_without_the_reloader_closes_on_ctrl_c(shop: Shop) -> None:
    """Django ends the process in the ordinary way."""
    with shop(*NO_RELOAD.command) as child, NO_RELOAD.client(child) as browser:
        browser.get("/sync")

        code = child.end(signal.SIGINT)

        assert (code, child.found(r"^\[\d+\] (.client)$")) == (
            0,
            ["+client", "-client"],
        )


def test_runserver_closes_on_ctrl_c(shop: Shop) -> None:
    """The reloader's child ends in the ordinary way."""
    with shop(*RELOAD.command) as child, RELOAD.client(child) as browser:
        pid = browser.get("/sync").json()["pid"]

        os.kill(pid, signal.SIGINT)
        child.wait()

        assert child.found(r"^\[\d+\] (.client)$") == ["+client", "-client"]


def test_runserver_gives_a_slow_stop_no_time_on_ctrl_c(shop: Shop) -> None:
    """A limit of Python's ``subprocess``, by which the reloader runs its child: a
    terminal sends Ctrl-C to both, and after 0.25 s the reloader kills the child."""
    with (
        shop(*RELOAD.command, SHOP_HANGS="yes") as child,
        RELOAD.client(child) as browser,
    ):
        browser.get("/sync")

        child.end(signal.SIGINT, group=True)

        assert child.found(r"^\[\d+\] (.client)$") == ["+client"]


def test_runserver_closes_and_starts_afresh_when_the_code_changes(
    shop: Shop, place: Path
) -> None:
    """The reloader ends its child in the ordinary way, and starts another."""
    with shop(*RELOAD.command) as child:
        with RELOAD.client(child) as browser:
            first = browser.get("/sync").json()["pid"]
        views = place / "shop" / "views.py"
        later = views.stat().st_mtime + 10
        os.utime(views, (later, later))
        child.until(rf"^\[{first}\] -client$")
        address = child.until(RELOAD.listens, nth=2)
        second = httpx.get(f"{address}/sync", timeout=LIMIT, trust_env=False).json()

        assert workers(child) == {str(first), str(second["pid"])}


@pytest.mark.parametrize("server", [NO_RELOAD, RELOAD], ids=str)
def test_runserver_closes_nothing_on_sigterm(server: Server, shop: Shop) -> None:
    """A limit of Django's: without the reloader, SIGTERM ends it by default; with it,
    the reloader kills its child."""
    with shop(*server.command) as child, server.client(child) as browser:
        browser.get("/sync")

        child.end(signal.SIGTERM)

        assert child.found(r"^\[\d+\] (.client)$") == ["+client"]


@servers
def test_a_failed_start_refuses_with_503_and_logs_why(
    server: Server, shop: Shop
) -> None:
    """Once in each process; the resource and the place are named."""
    with (
        shop(*server.command, SHOP_FAILS="yes") as child,
        server.client(child) as browser,
    ):
        answers = [browser.get("/pid") for _ in range(4)]
        child.until("no route to the warehouse")

        assert {answer.status_code for answer in answers} == {503}
        assert {answer.text for answer in answers} == {
            "Service Unavailable: the application is not running.\n"
        }
        assert {answer.headers["Retry-After"] for answer in answers} == {"10"}
        logged = child.found("^the lifespan failed to start$")
        assert len(logged) == len(workers(child)) <= server.workers
        assert "RuntimeError: no route to the warehouse" in child.output


@servers
def test_a_fork_of_a_serving_process_says_so(server: Server, shop: Shop) -> None:
    """It does not hang, and does not share the pool."""
    with shop(*server.command) as child, server.client(child) as browser:
        answer = browser.get("/fork").json()

    assert answer["said"] == (
        f"LifespanNotRunning: the lifespan runs in process {answer['pid']}, which this "
        "one was forked from"
    )


@pytest.mark.parametrize(
    "command",
    [("check",), ("check", "--deploy"), ("migrate",), ("showmigrations",)],
    ids=" ".join,
)
def test_management_commands_open_nothing(command: tuple[str, ...], shop: Shop) -> None:
    """No resource, no loop, no thread."""
    with shop("-m", "shop.manage", *command, "-v", "0") as child:
        code = child.wait()

        assert code == 0, child.output
        assert workers(child) == set()
        assert child.found("^left, with (.*)$") == ["['MainThread']"]
