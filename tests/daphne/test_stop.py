"""Under Daphne, resources are closed when the server is told to end."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.processes import LIMIT, Gates, client

from .site import DAPHNE, JOURNALED, in_one_process, port_of, serving

CLOSED = ["shop closes", "-shop with db open", "-db"]

signals = pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"]
)


@in_one_process
@signals
def test_a_stop_is_awaited(
    command: tuple[str, ...], number: signal.Signals, site: Path
) -> None:
    """The server ends when the slowest resource has closed, against the plan."""
    with (
        Gates("stop") as gates,
        serving(command, site, **gates.variables) as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/async").status_code == 200
        process.send(number)
        gates.wait_for("stop")
        assert process.alive

        gates.open("stop")

        assert process.wait() == 0
        assert process.events == ["+db", "+shop", *CLOSED]
        assert "Traceback" not in process.output


@in_one_process
@signals
def test_resources_outlive_the_requests(
    command: tuple[str, ...], number: signal.Signals, site: Path
) -> None:
    """Daphne cancels what is in flight; a view that cleans up finds all still open."""
    with (
        Gates("request", "clean-up") as gates,
        serving(command, site, **gates.variables) as process,
        client(port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        response = threads.submit(browser.get, "/held")
        gates.wait_for("request")
        process.send(number)
        gates.wait_for("clean-up")
        assert process.alive

        gates.open("clean-up")

        assert process.wait() == 0
        assert process.events == [
            *["+db", "+shop", "+request"],
            *["-request with shop open", *CLOSED],
        ]
        assert isinstance(response.exception(), httpx.HTTPError)


@in_one_process
def test_resources_outlive_a_sync_view(command: tuple[str, ...], site: Path) -> None:
    """Its thread cannot be cancelled: it ends first, and finds all still open."""
    with (
        Gates("request") as gates,
        serving(command, site, **gates.variables) as process,
        client(port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        threads.submit(browser.get, "/held-in-thread")
        gates.wait_for("request")
        process.send(signal.SIGTERM)
        process.until("^Killed 1 pending application instances$")

        gates.open("request")

        assert process.wait() == 0
        assert process.events == [
            *["+db", "+shop"],
            *["-request with shop open", *CLOSED],
        ]


@in_one_process
def test_a_request_that_does_not_end_keeps_nothing_open(
    command: tuple[str, ...], site: Path
) -> None:
    """After ``STOP_TIMEOUT`` its resources are closed, whatever it still does."""
    with (
        Gates("request", "clean-up") as gates,
        serving(
            command,
            site,
            LIFESPAN='{"STOP_TIMEOUT": 0.05}',
            **gates.variables,
        ) as process,
        client(port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        threads.submit(browser.get, "/held")
        gates.wait_for("request")
        process.send(signal.SIGTERM)
        gates.wait_for("clean-up")

        process.until_event("-db")
        gates.open("clean-up")

        assert process.wait() == 0
        # Whether the request still says something before the end is left to chance.
        events = [event for event in process.events if "-request" not in event]
        assert events == ["+db", "+shop", "+request", *CLOSED]
        assert (
            "requests did not end within 0.05 s of being cancelled, and resources are "
            "closed under them: 1" in process.output
        )


def test_a_request_that_is_still_uploaded_disturbs_no_other(site: Path) -> None:
    """Daphne stumbles over it, and leaves those after it alone: we cancel them."""
    with (
        Gates("request") as gates,
        serving(DAPHNE, site, **gates.variables) as process,
        socket.create_connection(("127.0.0.1", int(port_of(process))), LIMIT) as upload,
        client(port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        upload.sendall(b"POST /held HTTP/1.1\r\nHost: me\r\nContent-Length: 9\r\n\r\n")
        # Daphne has read it once it has answered what came later.
        assert browser.get("/async").status_code == 200
        threads.submit(browser.get, "/held")
        gates.wait_for("request")

        code = process.end(signal.SIGTERM)

        assert code == 0
        assert process.events == [
            *["+db", "+shop", "+request"],
            *["-request with shop open", *CLOSED],
        ]


def test_a_second_ctrl_c_cuts_nothing_short(site: Path) -> None:
    """Daphne ignores it; the time limits of the resources hold."""
    with (
        Gates("stop") as gates,
        serving(DAPHNE, site, **gates.variables) as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/async").status_code == 200
        process.send(signal.SIGINT)
        gates.wait_for("stop")

        process.send(signal.SIGINT)
        gates.open("stop")

        assert process.wait() == 0
        assert process.events == ["+db", "+shop", *CLOSED]


@in_one_process
def test_a_stop_that_hangs_is_given_up(command: tuple[str, ...], site: Path) -> None:
    """Its time limit ends it; the next one is closed all the same."""
    with (
        Gates("stop") as gates,
        serving(
            command, site, LIFESPAN='{"STOP_TIMEOUT": 0.05}', **gates.variables
        ) as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/async").status_code == 200

        code = process.end(signal.SIGTERM)

        assert code == 0
        assert process.events == ["+db", "+shop", "shop closes", "-db"]
        assert "lifespan resource 'shop' did not stop within 0.05 s" in process.output


@in_one_process
@signals
def test_a_signal_during_the_start_ends_it(
    command: tuple[str, ...], number: signal.Signals, site: Path
) -> None:
    """What starts is cancelled, what has started is closed; that is no failure."""
    with (
        Gates("start") as gates,
        serving(command, site, module=JOURNALED, **gates.variables) as process,
        client(port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        response = threads.submit(browser.get, "/async")
        process.until_event("http arrives")

        code = process.end(number)

        assert code == 0
        assert process.events == ["+db", "http arrives", "shop is cancelled", "-db"]
        assert "Traceback" not in process.output
        assert isinstance(response.exception(), httpx.HTTPError)
