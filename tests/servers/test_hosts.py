"""An application with a host: FastAPI, or a program that has started its resources."""

from __future__ import annotations

from dataclasses import replace
from signal import SIGINT, SIGTERM, Signals

import pytest

from tests.processes import client

from .server import signals
from .servers import UVICORN
from .serving import STARTED, STOPPED, serving

PATHS = ["async", "sync", "to-sync"]
# A program that serves inside the block of a lifespan.
BLOCK = replace(UVICORN, command=("-m", "shop.hosts", "{port}"))


@pytest.mark.parametrize("application", ["wired", "unwired"])
def test_fastapi_mounts_an_application_twice(application: str) -> None:
    """One lifespan serves both mounts; the host's value of the same name is hidden."""
    with (
        serving(UVICORN, application=f"shop.hosts:{application}") as site,
        client(site.port) as browser,
    ):
        site.process.until(UVICORN.ready)
        site.until_listening()
        found = [
            browser.get(f"/{mount}/{path}").json()
            for path in PATHS
            for mount in ("one", "two")
        ]
        site.process.end(SIGTERM)

    assert {answer["state"] for answer in found} == {"open"}
    assert all(answer["one object"] for answer in found)
    if application == "wired":
        assert site.events == [*STARTED, *STOPPED]
    else:
        # uvicorn leaves no time to what has started late.
        assert site.events == STARTED
        assert site.process.found(r"run_asgi_lifespan\(application\)")


@signals
def test_a_server_inside_a_block_has_its_resources(number: Signals) -> None:
    """
    They start once, and close at the end of the block. uvicorn, when it has stopped,
    raises its signal again: SIGTERM ends the process before the block.
    """
    with serving(BLOCK) as site, client(site.port) as browser:
        site.until_ready()
        found = [browser.get(f"/{path}").json() for path in PATHS]
        site.process.end(number)

    assert {answer["state"] for answer in found} == {"open"}
    assert all(answer["one object"] for answer in found)
    closed = STOPPED if number is SIGINT else STOPPED[:1]
    assert site.events == [*STARTED, *closed]
