"""The demo as a process: what it says where it cannot serve, and its commands."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from .demo import MANAGE, running_command


def run(*command: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Run a command to its end: its exit code, and all that it printed."""
    with running_command(*command, folder=folder, **variables) as process:
        return process.wait(), process.output


def test_a_taken_port_is_said_with_what_to_write_instead(tmp_path: Path) -> None:
    """Before anything starts, and without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        code, said = run("-m", "example_site", folder=tmp_path, PORT=str(port))

    assert code == 1
    assert said == (
        f"Port {port} is taken by another program. Write instead:\n"
        "    PORT=0 make demo       any free port; the address is printed\n"
        "    PORT=8123 make demo    that port, or one of your own"
    )


@pytest.mark.parametrize("port", ["", "http", "-1", "65536"])
def test_what_is_not_a_port_is_said(port: str, tmp_path: Path) -> None:
    """The value comes back as it was read."""
    code, said = run("-m", "example_site", folder=tmp_path, PORT=port)

    assert code == 1
    assert said == (
        f"PORT={port!r} is not a port. Write a number from 1 to 65535 instead, "
        "or 0 for any free port:\n"
        "    PORT=8123 make demo"
    )


def test_what_is_not_a_server_is_said(tmp_path: Path) -> None:
    """With those that are."""
    code, said = run("-m", "example_site", folder=tmp_path, SERVER="apache")

    assert code == 1
    assert said == (
        "SERVER='apache' is none of the servers of the demo. Write one of these "
        "instead:\n"
        "    make demo SERVER=uvicorn\n"
        "    make demo SERVER=gunicorn\n"
        "    make demo SERVER=hypercorn\n"
        "    make demo SERVER=granian\n"
        "    make demo SERVER=daphne"
    )


def test_a_database_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """After Django's own words, and before a server starts."""
    nowhere = str(tmp_path / "no" / "library.sqlite3")

    code, said = run("-m", "example_site", folder=tmp_path, PORT="0", DATABASE=nowhere)

    assert code == 1
    assert "unable to open database file" in said
    assert said.endswith("\nThe database could not be prepared: see above.")


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    """The second demo finds what the first has kept."""
    first = run(MANAGE, "prepare_demo", folder=tmp_path)
    second = run(MANAGE, "prepare_demo", folder=tmp_path)

    assert first == second == (0, "Staff pages: log in as demo, password demo")


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    """Nobody forgot to write one."""
    code, said = run(MANAGE, "makemigrations", "--check", folder=tmp_path)

    assert (code, said) == (0, "No changes detected")


@pytest.mark.parametrize("runserver", ["daphne", "wsgi"])
def test_commands_start_nothing(runserver: str, tmp_path: Path) -> None:
    """``manage.py check`` finds no fault, from any directory, and opens no resource."""
    code, said = run(MANAGE, "check", folder=tmp_path, RUNSERVER=runserver)

    assert code == 0, said
    assert said == "System check identified no issues (0 silenced)."


def test_everything_starts_and_stops_once(tmp_path: Path) -> None:
    """``manage.py lifespan check``, which a container or CI would run."""
    code, said = run(MANAGE, "lifespan", "check", folder=tmp_path)

    assert code == 0, said
    assert "Traceback" not in said


def test_its_own_tests_pass_with_djangos_runner(tmp_path: Path) -> None:
    """`LifespanTestCase`, over a real book service and over fakes."""
    code, said = run(MANAGE, "test", "example_site", folder=tmp_path)

    assert code == 0, said
    assert "\nOK" in said


def test_its_own_tests_pass_with_pytest(tmp_path: Path) -> None:
    """The fixtures ``lifespan`` and ``override_state``."""
    folder = Path(MANAGE).parent / "tests"
    options = ("-p", "django", "--ds=example_site.settings", "-o", "addopts=")

    code, said = run("-m", "pytest", *options, str(folder), folder=tmp_path)

    assert code == 0, said
    assert " passed" in said
