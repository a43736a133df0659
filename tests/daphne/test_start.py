"""Under Daphne, resources start with the server, and requests wait for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.processes import Gates, client

from .site import JOURNALED, RUNSERVER, everywhere, port_of, serving


@everywhere
def test_resources_start_before_any_request(
    command: tuple[str, ...], site: Path
) -> None:
    """Daphne sends no lifespan; they start with it all the same, and nobody asks."""
    with serving(command, site, module=JOURNALED) as process:
        process.until_event("+shop")

        assert process.events == ["+db", "+shop"]


@everywhere
@pytest.mark.parametrize("path", ["async", "sync"])
def test_a_request_that_is_early_waits(
    command: tuple[str, ...], path: str, site: Path
) -> None:
    """The port is open before the resources are: who comes early is served later."""
    with (
        Gates("start") as gates,
        serving(command, site, module=JOURNALED, **gates.variables) as process,
        client(port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        response = threads.submit(browser.get, f"/{path}")
        process.until_event("http arrives")

        gates.open("start")

        assert response.result().status_code == 200
        assert response.result().json()["state"] == "open"
        assert process.events == ["+db", "http arrives", "+shop"]


@everywhere
def test_views_find_the_resource_on_its_loop(
    command: tuple[str, ...], site: Path
) -> None:
    """By ``get_state``, by ``request.state`` and by ``current_state``, it is one."""
    with serving(command, site) as process, client(port_of(process)) as browser:
        in_async_view = browser.get("/async").json()
        in_sync_view = browser.get("/sync").json()

    assert in_async_view == {
        "name": "shop",
        "state": "open",
        "on its loop": True,
        "by the middleware": True,
        "without a request": True,
    }
    assert in_sync_view == {
        "name": "shop",
        "state": "open",
        "by the middleware": True,
        "without a request": True,
    }


def test_static_files_are_served_beside_it(site: Path) -> None:
    """Daphne's runserver wraps the application in a handler that knows no lifespan."""
    with serving(RUNSERVER, site) as process, client(port_of(process)) as browser:
        style = browser.get("/static/style.css")
        page = browser.get("/async")

        assert style.text == "body { color: teal }\n"
        assert page.json()["state"] == "open"
        assert process.events == ["+db", "+shop"]
