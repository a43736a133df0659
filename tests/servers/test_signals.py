"""Signals that come early or twice, and requests that they cancel."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from signal import SIGINT, SIGTERM

import pytest

from tests.processes import LIMIT, Gates

from .servers import DAPHNE, UVICORN
from .serving import STARTED, STOPPED, serving


def test_a_second_ctrl_c_closes_everything_under_uvicorn() -> None:
    """uvicorn drops the request and the shutdown, and cancels the lifespan."""
    with Gates("request") as gates, serving(UVICORN, **gates.variables) as site:
        site.until_ready()
        # Since Python 3.12 uvicorn waits for the client to leave.
        with socket.create_connection(("127.0.0.1", int(site.port)), LIMIT) as asking:
            asking.sendall(b"GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            gates.wait_for("request")
            site.process.send(SIGINT)
            site.process.until(UVICORN.stopping)
            site.process.send(SIGINT)
        site.process.wait()

        ours = [event for event in site.events if "request" not in event]
        assert ours == [*STARTED, *STOPPED]


@pytest.mark.slow
def test_a_second_ctrl_c_changes_nothing_under_daphne() -> None:
    with Gates("stop") as gates, serving(DAPHNE, **gates.variables) as site:
        site.until_ready()
        site.process.send(SIGINT)
        gates.wait_for("stop")
        site.process.send(SIGINT)
        gates.open("stop")

        assert site.process.wait() == 0
        assert site.events == [*STARTED, *STOPPED]


def test_uvicorn_finishes_the_start_before_it_stops() -> None:
    with Gates("start") as gates, serving(UVICORN, **gates.variables) as site:
        gates.wait_for("start")
        site.process.send(SIGTERM)
        gates.open("start")
        site.process.wait()

        assert site.events == [*STARTED, *STOPPED]


def test_daphne_cancels_a_start_on_a_signal() -> None:
    """Starting resources are cancelled and started ones closed; it is no failure."""
    with Gates("start") as gates, serving(DAPHNE, **gates.variables) as site:
        gates.wait_for("start")
        code = site.process.end(SIGTERM)

        assert code == 0
        assert site.events == ["+db", "shop is cancelled", "-db"]
        assert "Traceback" not in site.process.output


@pytest.mark.slow
def test_an_unfinished_upload_leaves_other_requests_to_be_cancelled() -> None:
    """Daphne fails on it, and cancels none of the requests after it."""
    with (
        Gates("request") as gates,
        serving(DAPHNE, **gates.variables) as site,
        ExitStack() as stack,
    ):
        site.until_ready()
        address = ("127.0.0.1", int(site.port))
        upload = stack.enter_context(socket.create_connection(address, LIMIT))
        asking = stack.enter_context(socket.create_connection(address, LIMIT))
        upload.sendall(b"POST /held HTTP/1.1\r\nHost: me\r\nContent-Length: 9\r\n\r\n")
        asking.sendall(b"GET /held HTTP/1.1\r\nHost: me\r\n\r\n")
        gates.wait_for("request")
        site.process.end(SIGTERM)

        served = ["+request", "-request, shop is open"]
        assert site.events == [*STARTED, *served, *STOPPED]
