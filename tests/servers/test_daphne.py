"""Daphne: sync views, its presence under another server, and its live server."""

from __future__ import annotations

from pathlib import Path
from signal import SIGTERM

import pytest

from tests.processes import client, running

from .servers import DAPHNE, UVICORN
from .serving import SITE, STARTED, STOPPED, in_flight, serving


def test_a_sync_view_ends_before_resources_close() -> None:
    """Its thread cannot be cancelled."""
    with in_flight(DAPHNE, path="/held-in-thread") as (site, gates, _):
        site.process.send(SIGTERM)
        site.process.until("^Killed 1 pending application instances$")
        gates.open("request")
        site.process.wait()

        served = ["+request", "-request, shop is open"]
        assert site.events == [*STARTED, *served, *STOPPED]


def test_another_server_is_not_affected() -> None:
    """uvicorn's lifespan starts and stops the resources; no reactor runs."""
    with serving(UVICORN, SERVER_APPS="daphne") as site, client(site.port) as browser:
        site.until_ready()
        modules = browser.get("/modules").json()
        site.process.end(SIGTERM)

        assert any(name.startswith("twisted") for name in modules)
        assert site.events == [*STARTED, *STOPPED]
        assert "WARNING django_lifespan_typed" not in site.process.output


# --- Channels' live server test case: Daphne in a forked child of the test run


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="imported by the child"),
        pytest.param(
            {"IMPORT_FIRST": "1"}, id="imported before the fork", marks=pytest.mark.slow
        ),
        pytest.param(
            {"OWN_SIGTERM": "1"},
            id="with a handler of the project",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_live_server_starts_and_closes_resources(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """Although Daphne installs no signal handlers there."""
    with running(
        *("manage.py", "test"),
        folder=SITE,
        DJANGO_SETTINGS_MODULE="mysite.settings",
        SERVER_APPS="daphne django.contrib.staticfiles",
        DATABASE=str(tmp_path / "db.sqlite3"),
        **variables,
    ) as process:
        code = process.wait()

    assert code == 0, process.output
    assert "Ran 1 test in " in process.output
    # The dot of the test may stand before an event.
    own = ["the project's own SIGTERM"] if "OWN_SIGTERM" in variables else []
    events = process.found(r"@\d+ (\+shop|the project's own SIGTERM|-shop|-db)$")
    assert events == ["+shop", *own, "-shop", "-db"]
