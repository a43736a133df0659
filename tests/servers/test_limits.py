"""Limits of servers that no application can lift; the documentation names them."""

from __future__ import annotations

from pathlib import Path
from signal import SIGINT, SIGTERM

import httpx
import pytest

from tests.processes import Gates

from .server import Server
from .servers import GRANIAN, GUNICORN_ASGI, GUNICORN_UVICORN, HYPERCORN, HYPERCORN_2
from .serving import CLOSING, STARTED, STOPPED, in_flight, serving
from .test_channels import CHANNELS, ROUTED, asked, connected

pytestmark = pytest.mark.slow

UNFINISHED = [*STARTED, *CLOSING]
limited = pytest.mark.parametrize(
    ("server", "options"),
    [
        pytest.param(server, (option, "2"), id=server.name)
        for server, option in [
            (GUNICORN_ASGI, "--graceful-timeout"),
            (GUNICORN_UVICORN, "--graceful-timeout"),
            (GRANIAN, "--workers-kill-timeout"),
        ]
    ],
)


@limited
def test_a_worker_that_takes_too_long_is_killed(
    server: Server, options: tuple[str, ...]
) -> None:
    """``STOP_BUDGET`` has to be below the server's limit."""
    with (
        Gates("stop") as gates,
        serving(server, *options, **gates.variables) as site,
    ):
        site.until_ready()
        site.process.end(SIGTERM)

        # gunicorn's worker looks once a second, and may not have begun.
        assert site.events in (UNFINISHED, STARTED)


@limited
def test_a_worker_with_an_endless_request_is_killed(
    server: Server, options: tuple[str, ...]
) -> None:
    """These servers do not cancel requests, unlike uvicorn and hypercorn."""
    with in_flight(server, *options) as (site, *_):
        site.process.end(SIGTERM)

        assert site.events == [*STARTED, "+request"]


def test_gunicorn_leaves_websockets_open_until_it_kills_the_worker() -> None:
    """Other servers close them at SIGTERM: see test_channels.py."""
    options = ("--graceful-timeout", "2")
    with serving(GUNICORN_ASGI, *options, application=ROUTED, **CHANNELS) as site:
        site.until_ready()
        with connected(site.port) as websocket:
            assert asked(websocket)["state"] == "open"
            site.process.end(SIGTERM)

        assert site.events == STARTED


@pytest.mark.parametrize(
    ("server", "number"), [(HYPERCORN, SIGTERM), (GUNICORN_ASGI, SIGINT)]
)
def test_a_server_that_cancels_the_lifespan_lets_the_others_close(
    server: Server, number: int, tmp_path: Path
) -> None:
    """hypercorn after ``shutdown_timeout``, and gunicorn a second after SIGINT."""
    config = tmp_path / "hypercorn.toml"
    config.write_text("shutdown_timeout = 0.05\n", "utf-8")
    options = ("-c", str(config)) if server is HYPERCORN else ()
    with (
        Gates("stop") as gates,
        serving(server, *options, **gates.variables) as site,
    ):
        site.until_ready()
        site.process.end(number)  # type: ignore[arg-type]

        assert site.events == [*UNFINISHED, "-db"]


def test_workers_of_hypercorn_are_killed_when_the_first_has_ended() -> None:
    """One worker per container, ``-w 1``, is awaited."""
    with in_flight(HYPERCORN_2) as (site, gates, response):
        site.process.send(SIGTERM)
        gates.wait_until_gone("request")
        site.process.wait()

        (busy,) = (found for found in site.workers.values() if "+request" in found)
        (idle,) = (found for found in site.workers.values() if "+request" not in found)
        assert isinstance(response.exception(), httpx.HTTPError)
        assert busy == [*STARTED, "+request"]
        assert idle == [*STARTED, *STOPPED]


def test_a_uvicorn_worker_does_not_know_the_sigint_of_gunicorn() -> None:
    """
    Sent to gunicorn alone, SIGINT ends in SIGKILL. SIGTERM works, and so does Ctrl-C,
    which a terminal sends to the whole process group.
    """
    with serving(GUNICORN_UVICORN, "--graceful-timeout", "1") as site:
        site.until_ready()
        site.process.end(SIGINT)

        assert site.events == STARTED
