"""Servers that send no lifespan: resources start with the first request."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from signal import SIGINT, SIGTERM

import pytest

from tests.processes import Gates, client

from .servers import (
    DAPHNE,
    EAGER,
    GRANIAN_ASGINL,
    GUNICORN_ASGI_OFF,
    HYPERCORN_2,
    LAZY,
    UVICORN_OFF,
    Server,
    Serving,
    each,
    serving,
)
from .test_conformance import STARTED, STOPPED, declared

# On Python 3.10 and 3.11, applications do not run in a task of asyncio.
GRANIAN_RUST = replace(
    GRANIAN_ASGINL,
    name="granian-asginl-rust",
    command=(*GRANIAN_ASGINL.command, "--task-impl", "rust"),
)

# The one is of tests/daphne; for the other see test_limits.py.
UNROUTED = [server for server in EAGER if server not in {DAPHNE, HYPERCORN_2}]

signals = pytest.mark.parametrize(
    "number", [SIGTERM, SIGINT], ids=["SIGTERM", "SIGINT"]
)


def warning(server: Server) -> str:
    """What the log says once, and names the flag in."""
    return (
        "the server sent no lifespan: resources start at the first request, and it "
        f"depends on the server whether they are closed. To mend it, {server.flag}, "
        'and let asgi.py pass scopes of type "lifespan" on to the application.'
    )


def until_ready(site: Serving) -> None:
    """Wait until it serves, with nothing started."""
    site.process.until(site.server.ready, nth=site.server.workers)
    site.until_listening()


def ended(site: Serving, number: signal.Signals) -> list[str]:
    """
    What has happened in the worker that was asked, views aside, once it has ended.

    It is closed on the signals that the table names. On others it is not: no hook
    is left to an application by uvicorn, which ends by raising the signal again.
    """
    code = site.process.end(number)
    assert number is SIGINT or code == site.server.stopped
    (events,) = site.workers.values()
    return [event for event in events if event != "view"]


@each((*LAZY, GRANIAN_RUST))
@signals
def test_the_first_request_starts_everything(
    server: Server, number: signal.Signals
) -> None:
    """Nothing before it; one warning names the flag; closed as the table says."""
    with serving(server) as site, client(site.port) as browser:
        until_ready(site)
        before = site.process.events.copy()
        answers = [browser.get("/async").json() for _ in range(2)]
        events = ended(site, number)

        closed = STOPPED if number in server.lazily_closed_by else []
        assert before == []
        assert [answer["state"] for answer in answers] == ["open", "open"]
        assert events == [*STARTED, *closed]
        assert site.process.lines.count(warning(server)) == 1


@each(UNROUTED)
@signals
def test_so_it_is_behind_a_router_that_forgets_the_lifespan(
    server: Server, number: signal.Signals
) -> None:
    """As Channels' ``ProtocolTypeRouter`` does; ``with_lifespan`` mends that."""
    with (
        serving(
            server, *server.impatient, application="shop.unrouted:application"
        ) as site,
        client(site.port) as browser,
    ):
        until_ready(site)
        before = site.process.events.copy()
        answer = browser.get("/async").json()
        events = ended(site, number)

        closed = STOPPED if number in server.lazily_closed_by else []
        assert before == []
        assert answer["state"] == "open"
        assert events == [*STARTED, *closed]
        assert site.process.lines.count(warning(server)) == 1


@each((*LAZY, GRANIAN_RUST))
def test_first_requests_wait_for_the_start(server: Server) -> None:
    """Nobody is served before it is complete, nor turned away."""
    with (
        Gates("start") as gates,
        serving(server, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        until_ready(site)
        answers = [threads.submit(browser.get, path) for path in ("/async", "/sync")]
        gates.wait_for("start")
        gates.open("start")

        assert [answer.result().status_code for answer in answers] == [200, 200]
        site.process.until(" view$", nth=2)
        assert list(site.workers.values()) == [[*STARTED, "view", "view"]]


@each(LAZY)
def test_a_request_in_flight_finishes_first(server: Server) -> None:
    """Also where nothing is closed after it."""
    with (
        Gates("request") as gates,
        serving(server, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        until_ready(site)
        response = threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.begin_stop(SIGTERM)
        gates.open("request")
        site.process.wait()

        closed = STOPPED if SIGTERM in server.lazily_closed_by else []
        served = ["+request", "-request, shop is open"]
        assert response.result().json() == {"state": "open"}
        assert list(site.workers.values()) == [[*STARTED, *served, *closed]]


@each(LAZY)
def test_a_failed_start_refuses(server: Server) -> None:
    """503 for everybody, and one traceback that names the resource."""
    with serving(server, FAIL="1") as site, client(site.port) as browser:
        until_ready(site)
        statuses = [browser.get("/async").status_code for _ in range(2)]
        site.process.end(SIGINT)

        assert statuses == [503, 503]
        assert list(site.workers.values()) == [["+db", "-db"]]
        assert declared() in site.process.lines
        assert site.process.lines.count("RuntimeError: no way to the shop") == 1


@each(LAZY)
def test_without_requests_nothing_happens(server: Server) -> None:
    """Nothing is opened, and nothing warned of."""
    with serving(server) as site:
        until_ready(site)
        site.process.end(SIGINT)

        assert site.process.events == []
        assert warning(server) not in site.process.lines


@each([UVICORN_OFF, GUNICORN_ASGI_OFF, GRANIAN_ASGINL])
def test_the_flag_is_that_of_the_server_which_serves(server: Server) -> None:
    """Also where the site imports another one, for uvicorn's log formatter, say."""
    with (
        serving(server, application="shop.importing:application") as site,
        client(site.port) as browser,
    ):
        until_ready(site)
        browser.get("/async")
        site.process.end(SIGINT)

        assert site.process.lines.count(warning(server)) == 1
