"""Promises that hold under every server that starts resources before it serves."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from signal import SIGINT, SIGTERM

import httpx
import pytest

from tests.processes import LIMIT, Gates, client, is_refused

from .server import Server, each
from .servers import (
    DAPHNE,
    DAPHNE_RUNSERVER,
    EAGER,
    GRANIAN,
    GRANIAN_RUST,
    GUNICORN_ASGI,
    GUNICORN_UVICORN,
    HYPERCORN,
    HYPERCORN_2,
    UVICORN,
)
from .serving import CLOSING, SITE, STARTED, STOPPED, in_flight, serving

# One of each kind.
QUICK = [UVICORN, GUNICORN_ASGI, GUNICORN_UVICORN, HYPERCORN, GRANIAN, DAPHNE]
# Hypercorn kills its other workers when the first has ended: see test_limits.py.
CLOSES_EVERY_WORKER = [server for server in EAGER if server is not HYPERCORN_2]
FAILED = ["+db", "-db"]


@each(EAGER, quick=QUICK)
def test_resources_start_before_requests_and_close_after_them(server: Server) -> None:
    """Every server, once: early connections, every kind of view, and SIGTERM."""
    with (
        Gates("start", "stop") as gates,
        serving(server, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        early = "refused" if is_refused(site.port) else "held"
        answers = [threads.submit(browser.get, "/async")] if early == "held" else []
        gates.open("start")
        site.until_ready()
        # Twice: a loop that ends with the first request breaks the second.
        paths = ["/async", "/sync", "/to-sync"] * 2
        found = [browser.get(path).json() for path in paths]
        statuses = {answer.result().status_code for answer in answers}
        site.process.send(SIGTERM)
        gates.wait_for("stop")
        waited = site.process.alive
        gates.open("stop")
        code = site.process.wait()

    assert early == server.early
    assert statuses <= {200}
    assert {str(view.pop("pid")) for view in found} <= set(site.workers)
    in_thread = {"state": "open", "one object": True}
    on_loop = {**in_thread, "on its loop": True}
    assert found == [on_loop, in_thread, on_loop] * 2
    assert waited
    assert code == server.stopped
    workers = list(site.workers.values())
    if server is HYPERCORN_2:
        assert [*STARTED, *STOPPED] in workers
    else:
        assert workers == [[*STARTED, *STOPPED]] * server.workers


@each(EAGER, quick=[UVICORN, DAPHNE])
def test_a_failed_start_is_never_served(server: Server) -> None:
    """
    The server exits, and prints the resource, its location and the traceback; started
    resources are shut down.
    """
    lines = (SITE / "shop" / "lifespan.py").read_text("utf-8").splitlines()
    declaration = '@lifespan_resource("shop", needs=(db,))'
    location = f"shop/lifespan.py:{lines.index(declaration) + 1}  {declaration}"
    with (
        Gates("start") as gates,
        serving(server, FAIL="start", **gates.variables) as site,
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
            # A reloader waits for a change.
            site.process.until("Application startup failed")
            assert is_refused(site.port)
            site.process.end(SIGTERM)

        refused = early.exception()
        assert isinstance(refused, httpx.HTTPError) or early.result().status_code == 503
        assert location in site.process.output
        assert "Traceback (most recent call last):" in site.process.output
        assert "RuntimeError: no way to the shop" in site.process.output
        workers = list(site.workers.values())
        assert FAILED in workers
        # Some servers kill their other workers.
        assert all(events in (FAILED, ["+db"]) for events in workers)
        assert server.workers > 1 or workers == [FAILED]


@each(CLOSES_EVERY_WORKER, quick=[UVICORN])
def test_ctrl_c_closes_the_resources_of_every_worker(server: Server) -> None:
    """A terminal sends SIGINT to the server and to its workers."""
    with serving(server) as site:
        site.until_ready()
        site.process.end(SIGINT, group=True)

        assert list(site.workers.values()) == [[*STARTED, *STOPPED]] * server.workers


@each(CLOSES_EVERY_WORKER, quick=[DAPHNE])
def test_a_shutdown_that_hangs_closes_the_others(server: Server) -> None:
    limit = {"LIFESPAN": '{"STOP_TIMEOUT": 0.05}'}
    with Gates("stop") as gates, serving(server, **gates.variables, **limit) as site:
        site.until_ready()
        site.process.end(SIGTERM)

        events = [*STARTED, *CLOSING, "-db"]
        assert list(site.workers.values()) == [events] * server.workers
        assert "'shop'" in site.process.output


@each(
    (server for server in EAGER if server.in_flight == "finishes"),
    quick=[GUNICORN_ASGI],
)
def test_a_request_in_flight_finishes_before_resources_close(server: Server) -> None:
    with in_flight(server, *server.patient) as (site, gates, response):
        site.begin_stop(SIGTERM)
        gates.open("request")
        site.process.wait()

        (busy,) = (found for found in site.workers.values() if "+request" in found)
        assert response.result().json() == {"state": "open"}
        assert busy == [*STARTED, "+request", "-request, shop is open", *STOPPED]


@each(
    [UVICORN, GUNICORN_ASGI, GUNICORN_UVICORN, HYPERCORN, GRANIAN, GRANIAN_RUST],
    quick=[GRANIAN],
)
def test_a_sync_view_without_a_client_ends_before_resources_close(
    server: Server,
) -> None:
    """The server has cancelled the request, but a thread cannot be cancelled."""
    with Gates("request") as gates, serving(server, **gates.variables) as site:
        site.until_ready()
        address = ("127.0.0.1", int(site.port))
        with socket.create_connection(address, LIMIT) as asking:
            asking.sendall(b"GET /held-in-thread HTTP/1.1\r\nHost: me\r\n\r\n")
            gates.wait_for("request")
        site.process.send(SIGTERM)
        closes_early = site.process.soon("asgi_shutdown", 2)
        gates.open("request")
        site.process.wait()

        served = ["+request", "-request, shop is open"]
        assert site.events == [*STARTED, *served, *STOPPED]
        assert not closes_early


@each([DAPHNE, DAPHNE_RUNSERVER], quick=[DAPHNE])
def test_a_cancelled_request_cleans_up_before_resources_close(server: Server) -> None:
    with in_flight(server, gates=("request", "clean-up")) as (site, gates, response):
        site.process.send(SIGTERM)
        gates.wait_for("clean-up")
        assert site.process.alive
        gates.open("clean-up")

        # Python 3.11 may crash after a cancelled request, with plain Django too.
        site.process.wait()
        assert isinstance(response.exception(), httpx.HTTPError)
        served = ["+request", "-request, shop is open"]
        assert site.events == [*STARTED, *served, *STOPPED]


@pytest.mark.parametrize(
    ("server", "option"),
    [
        pytest.param(UVICORN, "--timeout-graceful-shutdown", id="uvicorn"),
        pytest.param(
            HYPERCORN,
            "--graceful-timeout",
            id="hypercorn",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(
                    sys.version_info >= (3, 12),
                    reason="hypercorn waits without a limit for open connections",
                ),
            ],
        ),
    ],
)
@pytest.mark.parametrize(
    "application",
    [
        # Django does not cancel a view when the server cancels its request.
        "mysite.asgi:application",
        pytest.param(
            "shop.variants:plain",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(
                    sys.version_info < (3, 11), reason="Task.cancelling is of 3.11"
                ),
            ],
        ),
    ],
)
def test_a_request_past_the_servers_limit_ends_before_resources_close(
    server: Server, option: str, application: str
) -> None:
    """uvicorn sends the shutdown at the moment when it cancels the request."""
    with in_flight(server, option, "1", application=application) as (site, *_):
        site.process.end(SIGTERM)

        served = ["+request", "-request, shop is open"]
        assert site.events == [*STARTED, *served, *STOPPED]
