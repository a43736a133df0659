"""Servers that send no lifespan: resources start with the first request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from signal import SIGINT, Signals

import pytest

from tests.processes import Gates, client

from .server import Server, each, signals
from .servers import (
    EAGER,
    GRANIAN_ASGINL,
    GRANIAN_ASGINL_RUST,
    GUNICORN_ASGI_OFF,
    HYPERCORN_2,
    LAZY,
    UVICORN_OFF,
)
from .serving import STARTED, STOPPED, Serving, serving

# test_limits.py has the other.
UNROUTED = [
    server
    for server in EAGER
    if server.package != "daphne" and server is not HYPERCORN_2
]
EVERY = [*LAZY, GRANIAN_ASGINL_RUST]


def until_ready(site: Serving) -> None:
    site.process.until(site.server.ready, nth=site.server.workers)
    site.until_listening()


def warnings(site: Serving) -> list[str]:
    """The warnings about the late start that name what to change."""
    ours = site.process.found(r"^WARNING django_lifespan_typed: .*")
    return [line for line in ours if site.server.flag in line]


def ended(site: Serving, number: Signals) -> list[str]:
    """The events of the one worker that was used, once the server has ended."""
    code = site.process.end(number)
    assert number is SIGINT or code == site.server.stopped
    (events,) = site.workers.values()
    return events


@signals
@pytest.mark.parametrize(
    ("server", "application"),
    [
        pytest.param(
            server,
            application,
            id=f"{server.name}-{application.rpartition(':')[2]}",
            marks=() if server is GUNICORN_ASGI_OFF else pytest.mark.slow,
        )
        for servers, application in [
            (EVERY, "mysite.asgi:application"),
            (UNROUTED, "shop.variants:unrouted"),
        ]
        for server in servers
    ],
)
def test_the_first_request_starts_everything(
    server: Server, application: str, number: Signals
) -> None:
    """
    Nothing runs before it, and one warning names the remedy. The signals in the table
    close it: a server that ends by raising the signal leaves no hook.
    """
    options = server.impatient if application != "mysite.asgi:application" else ()
    with (
        serving(server, *options, application=application) as site,
        client(site.port) as browser,
    ):
        until_ready(site)
        before = site.events
        paths = ["/async", "/async"] if server.workers > 1 else ["/async", "/sync"]
        answers = [browser.get(path).json() for path in paths]
        events = ended(site, number)

        closed = STOPPED if number in server.lazily_closed_by else []
        assert before == []
        assert [answer["state"] for answer in answers] == ["open", "open"]
        assert events == [*STARTED, *closed]
        assert len(warnings(site)) == 1


@each(EVERY, quick=[UVICORN_OFF])
def test_first_requests_wait_for_the_start(server: Server) -> None:
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
        assert site.events == STARTED


@each([UVICORN_OFF, GUNICORN_ASGI_OFF, GRANIAN_ASGINL], quick=[GUNICORN_ASGI_OFF])
def test_the_warning_is_about_the_server_that_serves(server: Server) -> None:
    """Also in a project that imports another one, such as uvicorn's log formatter."""
    with (
        serving(server, IMPORTS="uvicorn") as site,
        client(site.port) as browser,
    ):
        until_ready(site)
        browser.get("/async")
        site.process.end(SIGINT)

        assert len(warnings(site)) == 1
