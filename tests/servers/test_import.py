"""A process that imports the application without serving it starts nothing."""

from __future__ import annotations

from signal import SIGTERM

import pytest

from tests.processes import running

from .server import Server, each
from .servers import GUNICORN_ASGI, GUNICORN_UVICORN, UVICORN_2, UVICORN_RELOAD
from .serving import SITE, STARTED, STOPPED, serving

NOTHING_RUNS = "threads: 1, loops: 0"


@pytest.mark.parametrize(
    ("command", "apps", "loops"),
    [
        pytest.param(("manage.py", "check"), "shop", 0, id="asgi"),
        # The reactor that Daphne installs has a loop, which does not run.
        pytest.param(("manage.py", "check"), "daphne shop", 1, id="daphne"),
        pytest.param(("-m", "mysite.wsgi"), "warehouse", 0, id="wsgi"),
    ],
)
def test_a_process_that_does_not_serve_starts_nothing(
    command: tuple[str, ...], apps: str, loops: int
) -> None:
    """No resource, no event loop, and no thread beside the main one."""
    *server_apps, app = apps.split()
    with running(
        *command,
        folder=SITE,
        DJANGO_SETTINGS_MODULE="mysite.settings",
        APPS=app,
        SERVER_APPS=" ".join(server_apps),
    ) as process:
        code = process.wait()

    (event,) = process.events
    assert code == 0, process.output
    assert event == f"{process.pid} threads: 1, loops: {loops}"


@each([GUNICORN_ASGI, GUNICORN_UVICORN], quick=[GUNICORN_ASGI])
def test_a_master_that_preloads_starts_nothing(server: Server) -> None:
    options = ("--preload", "-w", "2")
    with serving(server, *options, application="mysite.watched:application") as site:
        site.process.until(server.ready, nth=2)
        site.process.end(SIGTERM)

        (master, first, second) = site.workers.values()
        assert master == [NOTHING_RUNS]
        assert first == second == [*STARTED, *STOPPED]


@each([UVICORN_2, UVICORN_RELOAD])
def test_a_supervisor_starts_nothing(server: Server) -> None:
    with serving(server, application="mysite.watched:application") as site:
        site.until_ready()
        supervisor = site.process.until(r"Started (?:parent|reloader) process \[(\d+)")

        assert supervisor not in site.workers
        assert len(site.workers) == server.workers
