"""The commands of the demo, and its messages when it cannot serve."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from .demo import MANAGE, running_command


def run(*command: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Run a command; return its exit code and its output."""
    with running_command(*command, folder=folder, **variables) as process:
        return process.wait(), process.output


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        code, output = run("-m", "example_site", folder=tmp_path, PORT=port)

    assert code == 1
    assert output.startswith(f"Port {port} is in use")
    assert "PORT=8123 make demo" in output


@pytest.mark.parametrize(
    ("variables", "problem", "fix"),
    [
        ({"PORT": ""}, "PORT='' ", "PORT=8123 make demo"),
        ({"PORT": "http"}, "PORT='http' ", "PORT=8123 make demo"),
        ({"PORT": "65536"}, "PORT='65536' ", "PORT=8123 make demo"),
        ({"SERVER": "apache"}, "SERVER='apache' ", "make demo SERVER=hypercorn"),
    ],
)
def test_a_wrong_variable_is_an_error_with_its_value_and_the_fix(
    variables: dict[str, str], problem: str, fix: str, tmp_path: Path
) -> None:
    code, output = run("-m", "example_site", folder=tmp_path, **variables)

    assert code == 1
    assert output.startswith(problem)
    assert fix in output


def test_a_database_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no" / "library.sqlite3")

    code, output = run(
        "-m", "example_site", folder=tmp_path, PORT="0", DATABASE=nowhere
    )

    assert code == 1
    assert "unable to open database file" in output


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    first = run(MANAGE, "prepare_demo", folder=tmp_path)
    second = run(MANAGE, "prepare_demo", folder=tmp_path)

    assert first == second == (0, "Staff pages: log in as demo, password demo")


PYTEST = ("-m", "pytest", "-p", "django", "--ds=example_site.settings", "-oaddopts=")
TESTS = str(Path(MANAGE).parent / "tests")


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        pytest.param(
            (MANAGE, "makemigrations", "--check"),
            "^No changes detected$",
            id="models and migrations agree",
        ),
        pytest.param(
            (MANAGE, "lifespan", "check"),
            "^9 of 9 started and shut down without errors$",
            id="the lifespan check",
        ),
        pytest.param((MANAGE, "test", "example_site"), "^OK$", id="Django's runner"),
        pytest.param((*PYTEST, TESTS), " passed", id="pytest"),
    ],
)
def test_a_command_succeeds(
    command: tuple[str, ...], printed: str, tmp_path: Path
) -> None:
    code, output = run(*command, folder=tmp_path)

    assert code == 0, output
    assert re.search(printed, output, re.MULTILINE), output


@pytest.mark.parametrize("runserver", ["daphne", "wsgi"])
def test_the_system_checks_find_nothing(runserver: str, tmp_path: Path) -> None:
    code, output = run(MANAGE, "check", folder=tmp_path, RUNSERVER=runserver)

    assert (code, output) == (0, "System check identified no issues (0 silenced).")
