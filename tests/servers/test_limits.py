"""What a server does that no application can lift; the documentation says so."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.processes import Gates, client

from .servers import (
    GRANIAN,
    GUNICORN_ASGI,
    GUNICORN_UVICORN,
    HYPERCORN,
    HYPERCORN_2,
    Server,
    serving,
)
from .test_conformance import STARTED, STOPPED

UNFINISHED = [*STARTED, STOPPED[0]]


@pytest.mark.parametrize(
    ("server", "options"),
    [
        pytest.param(server, options, id=server.name)
        for server, options in [
            (GUNICORN_ASGI, ("--graceful-timeout", "1")),
            (GUNICORN_UVICORN, ("--graceful-timeout", "1")),
            (GRANIAN, ("--workers-kill-timeout", "1")),
        ]
    ],
)
def test_a_worker_that_takes_too_long_is_killed(
    server: Server, options: tuple[str, ...]
) -> None:
    """
    What is not closed by then stays open. Instead: keep ``STOP_BUDGET`` below the
    limit of the server, which is 30 s under gunicorn, and none under granian.
    """
    with (
        Gates("stop") as gates,
        serving(server, *options, **gates.variables) as site,
    ):
        site.until_ready()
        site.process.end(signal.SIGTERM)

        # gunicorn's worker looks once a second, and may not have begun.
        (events,) = site.workers.values()
        assert events in (UNFINISHED, STARTED)


@pytest.mark.parametrize(
    ("server", "options"),
    [
        pytest.param(server, options, id=server.name)
        for server, options in [
            (GUNICORN_ASGI, ("--graceful-timeout", "2")),
            (GUNICORN_UVICORN, ("--graceful-timeout", "2")),
            (GRANIAN, ("--workers-kill-timeout", "2")),
        ]
    ],
)
def test_a_request_without_an_end_keeps_a_worker_until_it_is_killed(
    server: Server, options: tuple[str, ...]
) -> None:
    """Nobody cancels it, as uvicorn and hypercorn do; nothing is closed."""
    with (
        Gates("request") as gates,
        serving(server, *options, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.process.end(signal.SIGTERM)

        (events,) = site.workers.values()
        assert events == [*STARTED, "+request"]


def test_the_stop_limit_of_hypercorn_is_a_cancellation(tmp_path: Path) -> None:
    """Past its ``shutdown_timeout`` one is cut short, and the others are closed."""
    config = tmp_path / "hypercorn.toml"
    config.write_text("shutdown_timeout = 0.05\n", "utf-8")
    with (
        Gates("stop") as gates,
        serving(HYPERCORN, "-c", str(config), **gates.variables) as site,
    ):
        site.until_ready()
        site.process.end(signal.SIGTERM)

        assert list(site.workers.values()) == [[*UNFINISHED, "-db"]]


def test_the_quick_stop_of_gunicorn_has_a_limit_of_its_own() -> None:
    """A second after SIGINT one is cut short, and the others are closed."""
    with (
        Gates("stop") as gates,
        serving(GUNICORN_ASGI, **gates.variables) as site,
    ):
        site.until_ready()
        site.process.end(signal.SIGINT)

        assert list(site.workers.values()) == [[*UNFINISHED, "-db"]]


def test_workers_of_hypercorn_are_killed_when_the_first_has_ended() -> None:
    """
    A request in flight is lost, with all that its worker holds. Instead: one worker
    in each container, ``-w 1``, which is awaited.
    """
    with (
        Gates("request") as gates,
        serving(HYPERCORN_2, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        response = threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.process.send(signal.SIGTERM)
        gates.wait_until_gone("request")
        site.process.wait()

        (busy,) = (found for found in site.workers.values() if "+request" in found)
        (idle,) = (found for found in site.workers.values() if "+request" not in found)
        assert isinstance(response.exception(), httpx.HTTPError)
        assert busy == [*STARTED, "+request"]
        assert idle == [*STARTED, *STOPPED]


def test_a_uvicorn_worker_does_not_know_the_sigint_of_gunicorn() -> None:
    """
    Sent to gunicorn alone, SIGINT ends in a kill after ``--graceful-timeout``: the
    worker ignores the SIGQUIT that it is passed on as. Instead: SIGTERM, or, as a
    terminal does, SIGINT to the whole process group.
    """
    with serving(GUNICORN_UVICORN, "--graceful-timeout", "1") as site:
        site.until_ready()
        site.process.end(signal.SIGINT)

        assert list(site.workers.values()) == [STARTED]


def test_a_second_ctrl_c_kills_a_uvicorn_worker_of_gunicorn() -> None:
    """
    It dies of the signal instead of cancelling. Instead: one Ctrl-C; or ``-k asgi``.
    """
    with (
        Gates("request") as gates,
        serving(GUNICORN_UVICORN, **gates.variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        threads.submit(browser.get, "/held")
        gates.wait_for("request")
        site.process.send(signal.SIGINT, group=True)
        site.process.until(GUNICORN_UVICORN.stopping)
        site.process.end(signal.SIGINT, group=True)

        assert list(site.workers.values()) == [[*STARTED, "+request"]]
