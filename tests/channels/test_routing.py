"""Channels beside Django: one lifespan for both, over real websockets."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.processes import LIMIT, Gates, Process, client, copied, running

PROJECT: Final = Path(__file__).resolve().parent / "project"
CLOSED: Final = ["shop closes", "-shop with db open", "-db"]

DAPHNE: Final = ("-m", "daphne", "-p", "0")
UVICORN: Final = ("-m", "uvicorn", "--port", "0")

servers = pytest.mark.parametrize(
    "server",
    [pytest.param(DAPHNE, id="daphne"), pytest.param(UVICORN, id="uvicorn")],
)
modules = pytest.mark.parametrize(
    "module",
    [
        pytest.param("mysite.asgi", id="a router"),
        pytest.param("mysite.wrapped", id="a router, wrapped"),
    ],
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The scratch project, in a folder of this test's own."""
    return copied(PROJECT, tmp_path)


def serving(
    server: tuple[str, ...],
    site: Path,
    module: str = "mysite.asgi",
    **variables: str,
) -> AbstractContextManager[Process]:
    """The project under a server."""
    return running(
        *server,
        f"{module}:application",
        folder=site,
        DJANGO_SETTINGS_MODULE="mysite.settings",
        **variables,
    )


def port_of(process: Process) -> str:
    """Where it listens."""
    return process.until(r"(?:on http://|on TCP address )127.0.0.1:(\d+)")


def connected(port: str, path: str = "async") -> ClientConnection:
    """A websocket."""
    url = f"ws://127.0.0.1:{port}/{path}"
    return connect(url, proxy=None, open_timeout=LIMIT, close_timeout=LIMIT)


def asked(websocket: ClientConnection) -> Any:
    """What the consumer answers."""
    websocket.send("{}")
    return json.loads(websocket.recv(LIMIT))


@servers
@modules
def test_consumers_and_views_share_a_resource(
    server: tuple[str, ...], module: str, site: Path
) -> None:
    """By the consumer, by its scope and in a view it is one, opened once."""
    with serving(server, site, module) as process:
        port = port_of(process)
        with client(port) as browser:
            assert browser.get("/page").json() == {"state": "open"}
        for path in ("async", "sync", "async"):
            with connected(port, path) as websocket:
                assert asked(websocket) == {
                    "name": "shop",
                    "state": "open",
                    "the same": True,
                }
        process.send(signal.SIGTERM)
        process.wait()

        opened = [event for event in process.events if event.startswith("+")]
        assert opened == ["+db", "+shop"]
        assert process.events[-3:] == CLOSED
        assert "Traceback" not in process.output
        assert "the server sent no lifespan" not in process.output


@servers
def test_static_files_are_served_beside_it(server: tuple[str, ...], site: Path) -> None:
    """The handler of static files knows no lifespan, and needs to know none."""
    with (
        serving(server, site, "mysite.wrapped") as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/static/style.css").text == "body { color: teal }\n"
        assert browser.get("/page").json() == {"state": "open"}


@servers
def test_an_open_websocket_ends_before_its_resources(
    server: tuple[str, ...], site: Path
) -> None:
    """At SIGTERM, however slowly they close."""
    with (
        Gates("stop") as gates,
        serving(server, site, **gates.variables) as process,
        connected(port_of(process)) as websocket,
    ):
        assert asked(websocket)["state"] == "open"
        process.send(signal.SIGTERM)
        gates.wait_for("stop")
        assert process.alive

        gates.open("stop")

        process.wait()
        assert process.events == [
            *["+db", "+shop"],
            *["-consumer with open", *CLOSED],
        ]
        with pytest.raises(ConnectionClosed):
            websocket.recv(LIMIT)
        assert "Traceback" not in process.output


def test_a_websocket_that_is_early_waits(site: Path) -> None:
    """Under Daphne its handshake is completed when the resources are there."""
    with (
        Gates("start") as gates,
        serving(DAPHNE, site, "mysite.wrapped", **gates.variables) as process,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        opening = threads.submit(connected, port_of(process))
        process.until_event("websocket arrives")

        gates.open("start")

        with opening.result() as websocket:
            assert asked(websocket)["state"] == "open"
        assert process.events[:3] == ["+db", "websocket arrives", "+shop"]


def test_a_websocket_is_refused_when_the_start_fails(site: Path) -> None:
    """Under Daphne, which then ends, who has waited gets no connection."""
    with (
        Gates("start") as gates,
        serving(DAPHNE, site, "mysite.wrapped", FAIL="1", **gates.variables) as process,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        opening = threads.submit(connected, port_of(process))
        process.until_event("websocket arrives")

        gates.open("start")

        assert isinstance(opening.exception(), WebSocketException | OSError)
        assert process.wait() == 3
        assert process.events == ["+db", "websocket arrives", "-db"]


@modules
def test_a_websocket_is_refused_after_a_failed_start(module: str, site: Path) -> None:
    """Under a server that goes on, as a request is, which gets 503."""
    with serving((*UVICORN, "--lifespan", "off"), site, module, FAIL="1") as process:
        port = port_of(process)
        with client(port) as browser:
            assert browser.get("/page").status_code == 503
        with pytest.raises(InvalidStatus) as refused:
            connected(port)

        assert refused.value.response.status_code == 403
        opened = [event for event in process.events if event[0] in "+-"]
        assert opened == ["+db", "-db"]


def test_a_server_without_a_lifespan_starts_one_at_a_websocket(site: Path) -> None:
    """Also where the first connection is none of http."""
    with serving((*UVICORN, "--lifespan", "off"), site) as process:
        with connected(port_of(process)) as websocket:
            assert asked(websocket)["state"] == "open"

        process.until("the server sent no lifespan")
        assert process.output.count("the server sent no lifespan") == 1
