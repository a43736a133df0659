"""Other servers and hosts of a site: failed startups are explained and tried again."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from types import ModuleType
from typing import Any, Final

import httpx
import pytest

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed.exceptions import LifespanError
from tests.processes import LIMIT, Process, client, reserved_port, running

from .serving import SITE

UVICORN: Final = "uvicorn minimal:application --port {port}"
GUNICORN: Final = "gunicorn minimal:application -b 127.0.0.1:{port} --no-control-socket"
HYPERCORN: Final = "hypercorn minimal:application -b 127.0.0.1:{port}"
WAITRESS: Final = "waitress --listen 127.0.0.1:{port} minimal:application"
CHEROOT: Final = "cheroot --bind 127.0.0.1:{port} minimal:application"


@contextmanager
def served(
    command: str, application: str, **variables: str | None
) -> Generator[tuple[Process, httpx.Client]]:
    """The process of a server, and a client of it."""
    port = reserved_port()
    words = command.format(port=port).split()
    with (
        running(
            *("-m", *words),
            folder=SITE / "minimal",
            APPLICATION=application,
            **variables,
        ) as process,
        client(port) as browser,
    ):
        yield process, browser


def answer(
    process: Process, browser: httpx.Client, status: int | None = None
) -> httpx.Response:
    """The first answer, or the first one with *status*."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            found = browser.get("/")
        except httpx.TransportError:
            assert process.alive, process.output
        else:
            if status in {None, found.status_code}:
                return found
        assert time.monotonic() < deadline, process.output
        time.sleep(0.02)


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """The file because of which the site does not start."""
    file = tmp_path / "failing"
    file.touch()
    return file


def test_a_server_that_does_not_start_says_why(failing: Path) -> None:
    """Although ``LOGGING`` disables our logger: see test_conformance.py for others."""
    with served(UVICORN, "asgi", FAILING=str(failing)) as (process, _):
        process.wait()

    assert process.output.count("the lifespan failed to start\n") == 1, process.output
    assert "while starting lifespan resource 'database'" in process.output
    assert process.found(r'minimal\.py:\d+  @lifespan_resource\("database"\)')
    assert 'raise ConnectionError("the database is away")' in process.output


@pytest.mark.parametrize(
    ("command", "application"),
    [
        (f"{UVICORN} --lifespan off", "asgi"),
        (f"{GUNICORN} -k gthread", "wsgi"),
    ],
    ids=["uvicorn without lifespan", "gunicorn -k gthread"],
)
def test_a_server_that_goes_on_says_why_and_tries_again(
    command: str, application: str, failing: Path
) -> None:
    """With ``DEBUG``, the page says it, too."""
    with served(command, application, FAILING=str(failing), DEBUG="yes") as (
        process,
        browser,
    ):
        before = answer(process, browser)
        alive, ready = browser.get("/livez"), browser.get("/readyz")
        failing.unlink()
        after = answer(process, browser, 200)
        process.send(SIGTERM)
        process.wait()

    assert before.status_code == ready.status_code == 503
    assert "ConnectionError: the database is away" in before.text
    assert "lifespan resource 'database'" in before.text
    assert "minimal.py:" in before.text
    assert before.headers["Retry-After"] == "10"
    assert alive.status_code == 200
    assert after.text == "open"
    assert process.events[0] == "+database"
    assert "while starting lifespan resource 'database'" in process.output


@pytest.mark.parametrize(
    ("command", "application"),
    [
        (WAITRESS, "wsgi"),
        (CHEROOT, "wsgi"),
        (f"{UVICORN} --interface wsgi", "wsgi"),
        (UVICORN, "mounted_wsgi"),
    ],
    ids=["waitress", "cheroot", "uvicorn", "a2wsgi in FastAPI"],
)
def test_sigterm_shuts_down_under_wsgi_servers(command: str, application: str) -> None:
    """Their own handling of the signal, or its default, ends the process at once."""
    with served(command, application) as (process, browser):
        found = answer(process, browser)
        process.send(SIGTERM)
        process.wait()

    assert found.text == "open"
    assert process.events == ["+database", "-database"]


def test_gevent_is_refused() -> None:
    """An event loop in a green thread would break every query of the other code."""
    with served(f"{GUNICORN} -k gevent", "wsgi") as (process, _):
        code = process.wait()

    assert code == 3
    assert "gevent has replaced threads by green threads" in process.output
    assert "gunicorn -k gthread" in process.output


def test_eventlet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its current version cannot be imported where the tests run: a stand-in."""
    patcher: Any = ModuleType("eventlet.patcher")
    patcher.is_monkey_patched = {"thread"}.__contains__
    monkeypatch.setitem(sys.modules, "eventlet.patcher", patcher)

    with pytest.raises(LifespanError, match="eventlet"), Lifespan(Registry()):
        pass


def test_trio_is_refused() -> None:
    with served(f"{HYPERCORN} -k trio", "asgi") as (process, _):
        process.wait()

    assert "resources run on asyncio, and this code runs on trio" in process.output
