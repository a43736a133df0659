"""The demo as a process: how it starts, how it ends, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.processes import LIMIT, ROOT

from .demo import running_command, running_demo

STOPPED = ["catalogue", "httpx_client", "book_service"]


def is_refused(url: str) -> bool:
    """Whether nobody listens at *url*."""
    try:
        httpx.get(url, timeout=LIMIT, trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def test_sigterm_stops_resources_against_the_plan_and_the_child() -> None:
    """What started last stops first; then the signal ends it, as uvicorn does."""
    with running_demo() as demo, demo.client() as client:
        assert client.get("/").status_code == 200
        books = demo.book_service_url
        assert not is_refused(books)

        code = demo.process.end(signal.SIGTERM)

        assert code == -signal.SIGTERM
        assert [name for name in demo.stopped if name in STOPPED] == STOPPED
        assert "Traceback" not in demo.process.output
        assert is_refused(books)
        with pytest.raises(ProcessLookupError):
            os.killpg(demo.process.pid, 0)


def test_ctrl_c_ends_well() -> None:
    """A terminal sends SIGINT to the child too; it still stops when it is told to."""
    with running_demo() as demo, demo.client() as client:
        assert client.get("/").status_code == 200

        code = demo.process.end(signal.SIGINT, group=True)

        assert code == 0
        assert [name for name in demo.stopped if name in STOPPED] == STOPPED
        assert "Traceback" not in demo.process.output


def test_a_killed_demo_leaves_no_child() -> None:
    """Nobody could tell the book service to end: it sees that its stdin is closed."""
    with running_demo() as demo:
        assert demo.url
        books = demo.book_service_url

        code = demo.process.end(signal.SIGKILL)

        assert code == -signal.SIGKILL
        assert is_refused(books)


def run(*command: str, cwd: Path, **variables: str) -> tuple[int, str]:
    """Run a command to its end: its exit code, and all that it printed."""
    with running_command(*command, folder=cwd, **variables) as process:
        return process.wait(), process.output


def test_a_taken_port_is_said_with_what_to_write_instead(tmp_path: Path) -> None:
    """Before anything starts, and without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        code, said = run("-m", "example_site", cwd=tmp_path, PORT=str(port))

    assert code == 1
    assert said == (
        f"Port {port} is taken by another program. Write instead:\n"
        "    PORT=0 make demo       any free port; the address is printed\n"
        "    PORT=8123 make demo    that port, or one of your own"
    )


@pytest.mark.parametrize("port", ["", "http", "-1", "65536"])
def test_what_is_not_a_port_is_said(port: str, tmp_path: Path) -> None:
    """The value comes back as it was read."""
    code, said = run("-m", "example_site", cwd=tmp_path, PORT=port)

    assert code == 1
    assert said == (
        f"PORT={port!r} is not a port. Write a number from 1 to 65535 instead, "
        "or 0 for any free port:\n"
        "    PORT=8123 make demo"
    )


def test_commands_start_nothing(tmp_path: Path) -> None:
    """``manage.py check`` finds no fault, from any directory, and opens no resource."""
    manage = ROOT / "example_site" / "manage.py"

    code, said = run(str(manage), "check", cwd=tmp_path)

    assert code == 0, said
    assert said == "System check identified no issues (0 silenced)."
