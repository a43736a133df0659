"""The library under ``manage.py runserver``, Daphne's and Django's own."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from tests.servers.servers import reserved_port

from .demo import MANAGE, running_command

STOPPED = ["catalogue", "httpx_client", "book_service"]


@pytest.mark.parametrize(
    ("runserver", "first_word"),
    [
        pytest.param("daphne", "Starting ASGI/Daphne", id="daphne"),
        pytest.param("wsgi", "Starting (?:WSGI )?development server", id="wsgi"),
    ],
)
def test_it_serves_and_closes(runserver: str, first_word: str, tmp_path: Path) -> None:
    """All pages, with the same resources, and Ctrl-C closes them."""
    with running_command(MANAGE, "prepare_demo", folder=tmp_path) as prepared:
        assert prepared.wait() == 0

    port = reserved_port()
    command = (MANAGE, "runserver", f"127.0.0.1:{port}", "--noreload")
    with running_command(*command, folder=tmp_path, RUNSERVER=runserver) as server:
        server.until(first_word)
        # It says so before it listens.
        patient = httpx.HTTPTransport(retries=10)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60, transport=patient
        ) as client:
            answers = {
                path: client.get(path).status_code
                for path in (
                    *("/", "/books/6/", "/authors/", "/reading-list/", "/live/"),
                    *("/visits/", "/api/books/", "/readyz", "/admin/login/"),
                    "/static/library/style.css",
                )
            }

        assert server.end(signal.SIGINT) == 0
        stopped = server.found(r": stopped '(\w+)'")

    assert set(answers.values()) == {200}, answers
    assert [name for name in stopped if name in STOPPED] == STOPPED
    assert "Traceback" not in server.output
