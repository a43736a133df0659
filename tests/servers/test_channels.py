"""Channels beside Django: one lifespan for both, over real websockets."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from signal import SIGTERM
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.processes import LIMIT, Gates, client

from .server import Server, each
from .servers import (
    DAPHNE,
    GRANIAN,
    GRANIAN_RUST,
    GUNICORN_UVICORN,
    HYPERCORN,
    LAZY,
    UVICORN,
    UVICORN_OFF,
)
from .serving import STARTED, STOPPED, serving

ROUTED = "shop.sockets:routed"
WRAPPED = "shop.sockets:wrapped"
CHANNELS = {"SERVER_APPS": "daphne channels django.contrib.staticfiles"}

# gunicorn -k asgi leaves websockets open at SIGTERM: see test_limits.py. hypercorn
# waits for their clients since Python 3.12.
CLOSES_WEBSOCKETS = [
    *(UVICORN, GUNICORN_UVICORN, GRANIAN, DAPHNE),
    *([HYPERCORN] if sys.version_info < (3, 12) else []),
]


def connected(port: str, path: str = "async") -> ClientConnection:
    url = f"ws://127.0.0.1:{port}/{path}"
    return connect(url, proxy=None, open_timeout=LIMIT, close_timeout=LIMIT)


def asked(websocket: ClientConnection) -> Any:
    """The consumer's answer."""
    websocket.send("{}")
    return json.loads(websocket.recv(LIMIT))


@each([DAPHNE, UVICORN], quick=[DAPHNE])
@pytest.mark.parametrize("application", [ROUTED, WRAPPED])
def test_consumers_and_views_share_a_resource(server: Server, application: str) -> None:
    with serving(server, application=application, **CHANNELS) as site:
        site.until_ready()
        with client(site.port) as browser:
            page = browser.get("/async").json()
            style = browser.get("/static/style.css")
        for path in ("async", "sync", "async"):
            with connected(site.port, path) as websocket:
                answer = asked(websocket)
                assert answer == {"state": "open", "same in the scope": True}
        site.process.send(SIGTERM)
        site.process.wait()

        assert page["state"] == "open"
        # The handler of static files passes no lifespan on, and need not.
        assert application is ROUTED or style.text == "body { color: teal }\n"
        assert [event for event in site.events if "consumer" not in event] == [
            *STARTED,
            *STOPPED,
        ]
        assert "Traceback" not in site.process.output
        assert "WARNING django_lifespan_typed" not in site.process.output


@each(CLOSES_WEBSOCKETS, quick=[DAPHNE])
def test_an_open_websocket_ends_before_its_resources(server: Server) -> None:
    with (
        Gates("stop") as gates,
        serving(server, application=ROUTED, **CHANNELS, **gates.variables) as site,
    ):
        site.until_ready()
        with connected(site.port) as websocket:
            assert asked(websocket)["state"] == "open"
            site.process.send(SIGTERM)
            gates.wait_for("stop")
            assert site.process.alive
            gates.open("stop")
            site.process.wait()

            assert site.events == [*STARTED, "-consumer, shop is open", *STOPPED]
            with pytest.raises(ConnectionClosed):
                websocket.recv(LIMIT)


@each([*CLOSES_WEBSOCKETS, GRANIAN_RUST], quick=[GRANIAN])
def test_a_sync_consumer_ends_before_its_resources(server: Server) -> None:
    """Its thread cannot be cancelled."""
    with (
        Gates("request") as gates,
        serving(server, application=ROUTED, **CHANNELS, **gates.variables) as site,
    ):
        site.until_ready()
        with connected(site.port, "held-in-thread") as websocket:
            websocket.send("{}")
            gates.wait_for("request")
            site.process.send(SIGTERM)
            closes_early = site.process.soon("asgi_shutdown", 2)
            gates.open("request")
            site.process.wait()

        served = ["+request", "-request, shop is open"]
        assert site.events == [*STARTED, *served, *STOPPED]
        assert not closes_early


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(None, id="starts"),
        pytest.param("start", id="fails to start", marks=pytest.mark.slow),
    ],
)
def test_an_early_websocket_waits_for_the_start(failure: str | None) -> None:
    """Daphne completes the handshake after the start, or refuses it."""
    with (
        Gates("start") as gates,
        serving(
            DAPHNE, application=WRAPPED, FAIL=failure, **CHANNELS, **gates.variables
        ) as site,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        opening = threads.submit(connected, site.port)
        site.process.until_event("websocket arrives")
        gates.open("start")

        if failure:
            assert isinstance(opening.exception(), WebSocketException | OSError)
            assert site.process.wait() == 3
        else:
            with opening.result() as websocket:
                assert asked(websocket)["state"] == "open"


@each(LAZY, quick=[UVICORN_OFF])
def test_a_websocket_is_refused_after_a_failed_start(server: Server) -> None:
    """
    By a server that goes on, with the status that the ASGI specification wants for a
    close before the handshake; an HTTP request gets 503.
    """
    variables = {**CHANNELS, "FAIL": "start"}
    with serving(server, application=ROUTED, **variables) as site:
        site.process.until(server.ready)
        site.until_listening()
        with client(site.port) as browser:
            assert browser.get("/async").status_code == 503
        with pytest.raises(InvalidStatus) as refused:
            connected(site.port)

        assert refused.value.response.status_code == 403
        assert site.process.found(r"^@\d+ ([+-]\w+)$") == ["+db", "-db"]


def test_a_first_websocket_starts_a_late_lifespan() -> None:
    with serving(UVICORN_OFF, application=ROUTED, **CHANNELS) as site:
        site.until_ready()
        with connected(site.port) as websocket:
            assert asked(websocket)["state"] == "open"

        assert len(site.process.found("^WARNING django_lifespan_typed: ")) == 1
