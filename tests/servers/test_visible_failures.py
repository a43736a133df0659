"""Failed startups under real servers: visible, explained, and tried again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from types import ModuleType
from typing import Any, Final

import httpx
import pytest

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed.exceptions import LifespanError
from tests.processes import LIMIT, ROOT, Process, client, reserved_port, running

SITE: Final = ROOT / "tests" / "sites" / "minimal"

UVICORN: Final = "uvicorn minimal:application --port {port}"
GUNICORN: Final = "gunicorn minimal:application -b 127.0.0.1:{port} --no-control-socket"
GRANIAN: Final = "granian minimal:application --port {port} --interface asgi"
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
            *("-m", *words), folder=SITE, APPLICATION=application, **variables
        ) as process,
        client(port) as browser,
    ):
        yield process, browser


def answers(process: Process, browser: httpx.Client, path: str = "/") -> httpx.Response:
    """The first answer of a server that has just been started."""
    return until(lambda: browser.get(path), process)


def until(
    ask: Callable[[], httpx.Response], process: Process, status: int | None = None
) -> httpx.Response:
    """The first answer, or the first one with *status*."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            answer = ask()
        except httpx.TransportError:
            assert process.alive, process.output
        else:
            if status in {None, answer.status_code}:
                return answer
        assert time.monotonic() < deadline, process.output
        time.sleep(0.02)


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """The file because of which the site does not start."""
    file = tmp_path / "failing"
    file.touch()
    return file


def assert_explained(process: Process) -> None:
    assert process.output.count("the lifespan failed to start\n") == 1, process.output
    assert "while starting lifespan resource 'database'" in process.output
    assert process.found(r'minimal\.py:\d+  @lifespan_resource\("database"\)')
    assert 'raise ConnectionError("the database is away")' in process.output


@pytest.mark.parametrize(
    ("command", "application"),
    [
        (UVICORN, "asgi"),
        pytest.param(
            "daphne minimal:application -p {port}", "asgi", marks=pytest.mark.slow
        ),
        pytest.param(f"{GUNICORN} -k asgi", "asgi", marks=pytest.mark.slow),
        pytest.param(GRANIAN, "asgi", marks=pytest.mark.slow),
        pytest.param(HYPERCORN, "asgi", marks=pytest.mark.slow),
    ],
    ids=["uvicorn", "daphne", "gunicorn", "granian", "hypercorn"],
)
def test_a_server_that_does_not_start_says_why(
    command: str, application: str, failing: Path
) -> None:
    with served(command, application, FAILING=str(failing)) as (process, _):
        process.wait()

        assert_explained(process)


@pytest.mark.parametrize(
    ("command", "application"),
    [
        (f"{UVICORN} --lifespan off", "asgi"),
        pytest.param(HYPERCORN, "dispatched", marks=pytest.mark.slow),
        (f"{GUNICORN} -k gthread", "wsgi"),
    ],
    ids=["uvicorn without lifespan", "hypercorn's dispatcher", "gunicorn -k gthread"],
)
def test_a_server_that_goes_on_says_why(
    command: str, application: str, failing: Path
) -> None:
    """With ``DEBUG``, the page says it, too."""
    with served(command, application, FAILING=str(failing), DEBUG="yes") as (
        process,
        browser,
    ):
        answer = answers(process, browser)

        assert answer.status_code == 503
        assert "ConnectionError: the database is away" in answer.text
        assert "lifespan resource 'database'" in answer.text
        assert "minimal.py:" in answer.text
        process.until("the database is away")
        process.send(SIGTERM)
        process.wait()
    assert "while starting lifespan resource 'database'" in process.output


@pytest.mark.parametrize(
    ("command", "application"),
    [(f"{UVICORN} --lifespan off", "asgi"), (f"{GUNICORN} -k gthread", "wsgi")],
    ids=["uvicorn without lifespan", "gunicorn -k gthread"],
)
def test_a_late_start_is_tried_again(
    command: str, application: str, failing: Path
) -> None:
    with served(command, application, FAILING=str(failing)) as (process, browser):
        before = answers(process, browser)
        alive, ready = browser.get("/livez"), browser.get("/readyz")
        failing.unlink()
        after = until(lambda: browser.get("/"), process, 200)
        process.send(SIGTERM)
        process.wait()

    assert before.status_code == ready.status_code == 503
    assert alive.status_code == 200
    assert before.text == "Service Unavailable: the application is not running.\n"
    assert after.text == "open"
    assert process.events[0] == "+database"


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
        answer = answers(process, browser)
        process.send(SIGTERM)
        process.wait()

    assert answer.text == "open"
    assert process.events == ["+database", "-database"]


@pytest.mark.parametrize(
    ("command", "application", "fix"),
    [
        (WAITRESS, "bridged", "django_lifespan_typed.wsgi.get_wsgi_application"),
        (UVICORN, "mounted", r"run_asgi_lifespan\(application\)"),
    ],
    ids=["WSGI bridge", "FastAPI"],
)
def test_the_warning_of_a_late_start_names_what_fits(
    command: str, application: str, fix: str
) -> None:
    with served(command, application) as (process, browser):
        answers(process, browser)

        process.until(fix)


def test_gevent_is_refused() -> None:
    """An event loop in a green thread would break every query of the other code."""
    with served(f"{GUNICORN} -k gevent", "wsgi") as (process, _):
        code = process.wait()

    assert code == 3
    assert "gevent has replaced threads by green threads" in process.output
    assert "gunicorn -k gthread" in process.output


def test_gevent_is_refused_in_a_block() -> None:
    script = """
import gevent.monkey; gevent.monkey.patch_all()
import minimal
from django_lifespan_typed import Lifespan
with Lifespan(): print("entered")
"""
    with running("-c", script, folder=SITE, PYTHONDEVMODE=None) as process:
        assert process.wait() != 0

    assert "gevent has replaced threads by green threads" in process.output
    assert "entered" not in process.lines


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
