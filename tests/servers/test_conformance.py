"""What holds under every server that starts resources before it serves."""

from __future__ import annotations

import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.processes import LIMIT, Gates, client, copied, is_refused, running

from .servers import (
    DAPHNE,
    EAGER,
    GUNICORN_ASGI,
    GUNICORN_UVICORN,
    HYPERCORN,
    HYPERCORN_2,
    SITE,
    UVICORN,
    UVICORN_2,
    UVICORN_RELOAD,
    Server,
    each,
    serving,
)

STARTED = ["+db", "+shop"]
STOPPED = ["shop closes, db is open", "-shop", "-db"]
NOTHING_RUNS = "threads: 1, loops: 0"

# Hypercorn kills its other workers when the first has ended: see test_limits.py.
CLOSES_EVERY_WORKER = [server for server in EAGER if server is not HYPERCORN_2]

signals = pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"]
)


def declared() -> str:
    """The shop's declaration, as errors draw it."""
    lines = (SITE / "shop" / "lifespan.py").read_text("utf-8").splitlines()
    text = '@lifespan_resource("shop", needs=(db,))'
    return f"    shop/lifespan.py:{lines.index(text) + 1}  {text}"


# --- Start


@each(EAGER)
def test_nothing_is_served_before_the_start_is_complete(server: Server) -> None:
    """Who comes early is refused by the server or waits; no view runs before."""
    with (
        Gates("start") as gates,
        serving(server, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        early = "refused" if is_refused(site.port) else "held"
        if early == "held":
            response = threads.submit(browser.get, "/async")
            gates.open("start")
        else:
            gates.open("start")
            site.until_listening()
            response = threads.submit(browser.get, "/async")

        pid = response.result().json()["pid"]
        site.process.until_event(f"{pid} view")
        assert early == server.early
        assert site.workers[str(pid)] == [*STARTED, "view"]


@each(EAGER)
def test_every_view_finds_the_resource(server: Server) -> None:
    """By ``get_state``, the middleware's ``request.state`` and ``current_state``."""
    with serving(server) as site, client(site.port) as browser:
        site.until_ready()
        # Twice, for a loop that ends with the first request breaks the second.
        found = [
            browser.get(path).json() for path in ["/async", "/sync", "/to-sync"] * 2
        ]

        pids = {str(view.pop("pid")) for view in found}
        in_any_view = {
            "name": "shop",
            "state": "open",
            "by the middleware": True,
            "by its name": True,
            "without a request": True,
        }
        on_its_loop = {**in_any_view, "on its loop": True}
        assert found == [on_its_loop, in_any_view, on_its_loop] * 2
        assert pids <= set(site.workers)


@each(EAGER)
def test_a_failed_start_is_never_served(server: Server) -> None:
    """
    The server exits as the table says; it prints which resource failed, where it is
    declared, and the traceback; what had started is closed.
    """
    with (
        Gates("start") as gates,
        serving(server, FAIL="1", **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        early = threads.submit(browser.get, "/async")
        gates.open("start")
        if server.failed_start:
            code = site.process.wait()
            assert code in server.failed_start
        else:
            # A reloader: it waits for a change that mends it.
            site.process.until("Application startup failed")
            assert is_refused(site.port)
            site.process.end(signal.SIGTERM)

        output = site.process.output
        refused = early.exception()
        assert isinstance(refused, httpx.HTTPError) or early.result().status_code == 503
        assert "while starting lifespan resource 'shop'" in output
        assert declared() in site.process.lines
        assert "Traceback (most recent call last):" in output
        assert "RuntimeError: no way to the shop" in output
        first, *others = site.workers.values()
        assert ["+db", "-db"] in [first, *others]
        # Some end the others of their workers where they stand.
        assert all(events in (["+db", "-db"], ["+db"]) for events in [first, *others])
        if server.workers == 1:
            assert first == ["+db", "-db"]


# --- Stop


@each(EAGER)
def test_the_server_waits_until_everything_is_closed(server: Server) -> None:
    """On SIGTERM, resources are closed in reverse; the server ends after them."""
    with Gates("stop") as gates, serving(server, **gates.variables) as site:
        site.until_ready()
        site.process.send(signal.SIGTERM)
        gates.wait_for("stop")
        assert site.process.alive

        gates.open("stop")
        code = site.process.wait()

        assert code == server.stopped
        assert [*STARTED, *STOPPED] in site.workers.values()


@each(CLOSES_EVERY_WORKER)
@signals
def test_every_worker_has_and_closes_its_own(
    server: Server, number: signal.Signals
) -> None:
    """
    As many processes as workers, each with all that it has opened closed again; on
    Ctrl-C too, which a terminal sends to the server and to its workers.
    """
    with serving(server) as site:
        site.until_ready()
        site.process.end(number, group=number is signal.SIGINT)

        assert list(site.workers.values()) == [[*STARTED, *STOPPED]] * server.workers


@each(CLOSES_EVERY_WORKER)
def test_a_stop_that_hangs_is_cut_off(server: Server) -> None:
    """Its limit ends it, the error says so, and the others are closed."""
    with (
        Gates("stop") as gates,
        serving(server, LIFESPAN='{"STOP_TIMEOUT": 0.05}', **gates.variables) as site,
    ):
        site.until_ready()
        site.process.end(signal.SIGTERM)

        cut_off = [*STARTED, STOPPED[0], "-db"]
        assert list(site.workers.values()) == [cut_off] * server.workers
        late = "lifespan resource 'shop' did not stop within 0.05 s"
        assert late in site.process.output


@each(server for server in EAGER if server.in_flight == "finishes")
def test_a_request_in_flight_finishes_first(server: Server) -> None:
    """Who was let in is served with everything open; then resources are closed."""
    with (
        Gates("request") as gates,
        serving(server, *server.patient, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        response = threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.begin_stop(signal.SIGTERM)
        gates.open("request")
        site.process.wait()

        (busy,) = (found for found in site.workers.values() if "+request" in found)
        served = [event for event in busy if event != "view"]
        assert response.result().json() == {"state": "open"}
        assert served == [*STARTED, "+request", "-request, shop is open", *STOPPED]


def test_daphne_cancels_requests_in_flight_before_it_closes() -> None:
    """The request is lost, but it has its resources until it has cleaned up."""
    with (
        Gates("request") as gates,
        serving(DAPHNE, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        response = threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.process.end(signal.SIGTERM)

        served = ["+request", "-request, shop is open"]
        assert isinstance(response.exception(), httpx.HTTPError)
        assert list(site.workers.values()) == [[*STARTED, *served, *STOPPED]]


def cut_off(
    application: str, server: Server, options: tuple[str, ...]
) -> list[list[str]]:
    """What happens where a request outlasts what the server gives it."""
    with (
        Gates("request") as gates,
        serving(server, *options, application=application, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.process.end(signal.SIGTERM)
        return list(site.workers.values())


CUTS_OFF = [
    pytest.param(UVICORN, ("--timeout-graceful-shutdown", "1"), id="uvicorn"),
    pytest.param(
        HYPERCORN,
        ("--graceful-timeout", "1"),
        id="hypercorn",
        marks=pytest.mark.skipif(
            sys.version_info >= (3, 12),
            reason="hypercorn waits without a limit for open connections",
        ),
    ),
]


@pytest.mark.parametrize(("server", "options"), CUTS_OFF)
def test_a_view_that_is_cut_off_ends_before_it_closes(
    server: Server, options: tuple[str, ...]
) -> None:
    """Django leaves it behind, uncancelled, when its server cancels the request."""
    served = ["+request", "-request, shop is open"]

    assert cut_off("shop.asgi:application", server, options) == [
        [*STARTED, *served, *STOPPED]
    ]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="nobody can tell on 3.10")
@pytest.mark.parametrize(("server", "options"), CUTS_OFF)
def test_an_application_that_is_cut_off_ends_before_it_closes(
    server: Server, options: tuple[str, ...]
) -> None:
    """uvicorn sends the shutdown in the moment in which it cancels the request."""
    served = ["+request", "-request, shop is open"]

    assert cut_off("shop.plain:application", server, options) == [
        [*STARTED, *served, *STOPPED]
    ]


# --- Cancellation


def test_quick_stop_of_gunicorn_is_a_shutdown() -> None:
    """On SIGINT its worker sends no shutdown, and cancels the lifespan."""
    with serving(GUNICORN_ASGI) as site:
        site.until_ready()
        site.process.end(signal.SIGINT)

        assert list(site.workers.values()) == [[*STARTED, *STOPPED]]


def test_a_second_ctrl_c_is_a_shutdown() -> None:
    """
    uvicorn drops the request and the shutdown, and cancels the lifespan; since Python
    3.12 it does so when the client has gone.
    """
    with Gates("request") as gates, serving(UVICORN, **gates.variables) as site:
        site.until_ready()
        with socket.create_connection(("127.0.0.1", int(site.port)), LIMIT) as asking:
            asking.sendall(b"GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            gates.wait_for("request")
            site.process.send(signal.SIGINT)
            site.process.until(UVICORN.stopping)
            site.process.send(signal.SIGINT)
        site.process.wait()

        (events,) = site.workers.values()
        ours = [event for event in events if "request" not in event]
        assert ours == [*STARTED, *STOPPED]


# --- Reload


def test_a_change_closes_and_starts_afresh(tmp_path: Path) -> None:
    """uvicorn's reloader ends the old worker, and awaits it, before the new one."""
    folder = copied(SITE, tmp_path)
    changed = folder / "shop" / "views.py"
    with serving(UVICORN_RELOAD, folder=folder) as site:
        site.until_ready()
        # It looks a few times a second, and learns the times when it first looks.
        for seconds in count(1):
            if "-db" in [event.partition(" ")[2] for event in site.process.events]:
                break
            os.utime(changed, (seconds + 2e9, seconds + 2e9))
            assert site.process.alive
        site.process.until(r"^@\d+ \+shop$", nth=2)
        old, new, *_ = site.workers
        site.process.end(signal.SIGTERM)

        assert site.workers[old] == [*STARTED, *STOPPED]
        assert site.workers[new] == [*STARTED, *STOPPED]
        closed, opened = f"{old} -db", f"{new} +db"
        assert site.process.events.index(closed) < site.process.events.index(opened)


# --- Import


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("-m", "shop.watched"), id="import"),
        pytest.param(("manage.py", "check"), id="check"),
        pytest.param(("manage.py", "migrate"), id="migrate"),
    ],
)
def test_who_serves_nothing_opens_nothing(command: tuple[str, ...]) -> None:
    """No resource, no event loop, and no thread beside the main one."""
    with running(*command, folder=SITE) as process:
        code = process.wait()

        (event,) = process.events
        assert code == 0, process.output
        assert event.partition(" ")[2] == NOTHING_RUNS


@each([GUNICORN_ASGI, GUNICORN_UVICORN])
def test_a_master_that_preloads_opens_nothing(server: Server) -> None:
    """The import makes no loop and no thread; each worker has its own resources."""
    with serving(
        server, "--preload", "-w", "2", application="shop.watched:application"
    ) as site:
        site.process.until(server.ready, nth=2)
        site.process.end(signal.SIGTERM)

        (master, first, second) = site.workers.values()
        assert master == [NOTHING_RUNS]
        assert first == second == [*STARTED, *STOPPED]


@each([UVICORN_2, UVICORN_RELOAD])
def test_a_supervisor_opens_nothing(server: Server) -> None:
    """Who watches the workers serves nothing, and has nothing."""
    with serving(server, application="shop.watched:application") as site:
        site.until_ready()
        supervisor = site.process.until(r"Started (?:parent|reloader) process \[(\d+)")

        assert supervisor not in site.workers
        assert len(site.workers) == server.workers
