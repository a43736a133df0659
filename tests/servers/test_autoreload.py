"""Reloaders: what they close, and where they leave no time for it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import pytest

from tests.processes import Gates, client, copied, save

from .server import Server, each
from .servers import DAPHNE_RELOAD, RELOAD, RUNSERVER, UVICORN_RELOAD
from .serving import SITE, STARTED, STOPPED, Serving, serving

WSGI = {"APPS": "warehouse"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the site to change."""
    return copied(SITE, tmp_path)


def change(site: Serving, folder: Path, closed: str) -> None:
    """Touch a file until the reloader, which looks now and then, has noticed."""
    for seconds in count(1):
        os.utime(folder / "mysite" / "settings.py", (seconds + 2e9, seconds + 2e9))
        if site.process.soon(closed, 0.5):
            break
        assert site.process.alive, site.process.output


@each([UVICORN_RELOAD, DAPHNE_RELOAD], quick=[DAPHNE_RELOAD])
def test_a_change_closes_everything_before_it_starts_afresh(
    server: Server, folder: Path
) -> None:
    with (
        Gates("stop") as gates,
        serving(server, folder=folder, **gates.variables) as site,
    ):
        site.until_ready()
        change(site, folder, "shop closes")
        gates.open("stop")
        site.process.until("asgi_startup", nth=2)
        old, new, *_ = site.workers

        assert site.workers[old] == [*STARTED, *STOPPED]
        assert site.workers[new][:4] == STARTED
        assert site.events[:13] == [*STARTED, *STOPPED, *STARTED]
        assert "Traceback" not in site.process.output


@pytest.mark.slow
def test_runserver_closes_and_starts_afresh(folder: Path) -> None:
    with serving(RELOAD, folder=folder, **WSGI) as site, client(site.port) as browser:
        site.until_ready()
        browser.get("/fork")
        change(site, folder, "-client")
        site.process.until(RELOAD.ready, nth=2)
        site.until_listening()
        browser.get("/fork")

        used = [events for events in site.workers.values() if "+client" in events]
        assert [[one for one in events if "client" in one] for events in used] == [
            ["+client", "-client"],
            ["+client"],
        ]


@pytest.mark.slow
def test_a_failed_start_waits_for_a_change(folder: Path) -> None:
    lifespan = folder / "shop" / "lifespan.py"
    fixed = lifespan.read_text("utf-8")
    broken = fixed.replace('os.environ.get("FAIL") == "start"', "True")
    lifespan.write_text(broken, "utf-8")
    with serving(DAPHNE_RELOAD, folder=folder) as site, client(site.port) as browser:
        site.process.until("-db$")
        site.process.until("Killed 0 pending application instances")
        assert site.process.alive

        save(site.process, lifespan, fixed)

        site.process.until(DAPHNE_RELOAD.ready, nth=2)
        site.until_listening()
        assert browser.get("/async").json()["state"] == "open"
        assert site.events == ["+db", "-db", *STARTED]
        assert site.process.output.count("Traceback") == 1


@contextmanager
def used(server: Server, **variables: str | None) -> Generator[tuple[Serving, int]]:
    """A site whose resources a request has used, and the process that served it."""
    is_daphne = server is DAPHNE_RELOAD
    apps = {} if is_daphne else WSGI
    with serving(server, **apps, **variables) as site, client(site.port) as browser:
        site.until_ready()
        yield site, browser.get("/async" if is_daphne else "/fork").json()["pid"]


OPENED = {"+db", "+client"}
CLOSED = {"-db", "-client"}


@pytest.mark.parametrize(
    ("server", "number", "expected"),
    [
        pytest.param(
            DAPHNE_RELOAD, SIGTERM, 0, id="daphne-reload", marks=pytest.mark.slow
        ),
        pytest.param(RELOAD, SIGINT, 0, id="runserver-reload", marks=pytest.mark.slow),
        pytest.param(RUNSERVER, SIGINT, 0, id="runserver"),
        pytest.param(RUNSERVER, SIGTERM, 128 + SIGTERM, id="runserver-SIGTERM"),
    ],
)
def test_a_signal_to_the_process_that_serves_closes_everything(
    server: Server, number: Signals, expected: int
) -> None:
    with used(server) as (site, pid):
        os.kill(pid, number)
        code = site.process.wait()

        assert code == expected
        assert OPENED & {*site.events}
        assert CLOSED & {*site.events}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "number"),
    [
        pytest.param(server, number, id=f"{server.name}-{number.name}")
        for server in (DAPHNE_RELOAD, RELOAD)
        for number in (SIGTERM, SIGINT)
    ],
)
def test_runserver_leaves_no_time_for_a_long_shutdown(
    server: Server, number: Signals
) -> None:
    """
    Django runs the serving child by ``subprocess.run``, which kills it 0.25 s after
    Ctrl-C, and at once after SIGTERM. ``--noreload`` sets no limit.
    """
    with (
        Gates("stop") as gates,
        used(server, HANG="1", **gates.variables) as (site, _),
    ):
        site.process.end(number, group=number is SIGINT)

        assert OPENED & {*site.events}
        assert not CLOSED & {*site.events}
