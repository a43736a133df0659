"""Where Daphne is installed, or imported, and does not serve."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.processes import client, running

from .site import serving

OURS = "django_lifespan_typed._asgi.daphne"
WARNING = (
    "the server sent no lifespan: resources start at the first request, and it "
    "depends on the server whether they are closed. To mend it, run uvicorn with "
    '--lifespan on, and let asgi.py pass scopes of type "lifespan" on to the '
    "application."
)


def uvicorn(*options: str) -> tuple[str, ...]:
    """The command, on a free port."""
    return ("-m", "uvicorn", "--port", "0", *options, "{application}")


@pytest.mark.parametrize(
    "command", ["check", "migrate", "showmigrations", "findstatic style.css"]
)
def test_commands_start_nothing(command: str, site: Path) -> None:
    """They import Daphne, its reactor and the resources, and open none."""
    with running("manage.py", *command.split(), folder=site) as process:
        code = process.wait()

        assert code == 0, process.output
        assert process.events == []


def test_importing_the_application_starts_nothing(site: Path) -> None:
    """No resource, no event loop and no thread: a reloader's parent does it too."""
    with running("manage.py", "look", folder=site) as process:
        code = process.wait()

        assert code == 0
        assert process.lines == [
            "application: LifespanASGIHandler",
            "lifespans: 0",
            "threads: 1",
            "running loops: 0",
        ]


@pytest.mark.parametrize("apps", ["daphne", ""], ids=["with Daphne", "without it"])
def test_another_server_is_as_it_was(apps: str, site: Path) -> None:
    """uvicorn's lifespan is what starts and stops; Daphne's reactor never runs."""
    with serving(uvicorn(), site, SERVER_APPS=apps) as process:
        port = process.until(r"Uvicorn running on http://127.0.0.1:(\d+)")
        with client(port) as browser:
            assert browser.get("/async").json()["on its loop"] is True
            modules = browser.get("/modules").json()

        process.end(signal.SIGTERM)

        assert (OURS in modules) is bool(apps)
        assert any(name.startswith("twisted") for name in modules) is bool(apps)
        assert process.events == [
            *["+db", "+shop"],
            *["shop closes", "-shop with db open", "-db"],
        ]
        assert "the server sent no lifespan" not in process.output
        assert "Traceback" not in process.output


@pytest.mark.parametrize("apps", ["daphne", ""], ids=["with Daphne", "without it"])
def test_another_server_without_a_lifespan_is_warned_about(
    apps: str, site: Path
) -> None:
    """Daphne's own requests are no surprise; those of uvicorn, beside it, are."""
    command = uvicorn("--lifespan", "off")
    with serving(command, site, SERVER_APPS=apps) as process:
        port = process.until(r"Uvicorn running on http://127.0.0.1:(\d+)")
        with client(port) as browser:
            for _ in range(2):
                assert browser.get("/async").json()["state"] == "open"

        process.end(signal.SIGINT)

        assert process.lines.count(WARNING) == 1
