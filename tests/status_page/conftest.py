"""The scratch project, served to somebody who has logged in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import httpx
import pytest

from tests.processes import LIMIT, client, environment, running

SITE: Final = Path(__file__).parent / "site"
PASSWORD: Final = "open"
LISTENING: Final = r"(?:running on|Listening at:) http://127\.0\.0\.1:(\d+)"

UVICORN: Final = (
    *("-m", "uvicorn", "mysite.asgi:application"),
    *("--port", "0", "--no-use-colors", "--ws", "none"),
)
PLAIN: Final = (UVICORN[0], UVICORN[1], "mysite.plain:application", *UVICORN[3:])
GUNICORN: Final = (
    *("-m", "gunicorn", "mysite.wsgi:application", "--bind", "127.0.0.1:0"),
    *("--worker-class", "gthread", "--threads", "2"),
)

MAKE_ACCOUNTS: Final = f"""
from django.contrib.auth import get_user_model
users = get_user_model().objects
users.create_user("visitor", password={PASSWORD!r})
users.create_user("staff", password={PASSWORD!r}, is_staff=True)
"""

Serve: TypeAlias = Callable[..., AbstractContextManager[httpx.Client]]


def manage(folder: Path, *arguments: str, **variables: str) -> str:
    """What a command of the project prints."""
    ran = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a visitor and one of the staff."""
    database = tmp_path_factory.mktemp("accounts") / "db.sqlite3"
    manage(SITE, "migrate", DATABASE=str(database))
    manage(SITE, "shell", "-c", MAKE_ACCOUNTS, DATABASE=str(database))
    return database


@pytest.fixture(scope="session")
def serve(accounts: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Serve]:
    """
    Serves the project to a browser of the test's own::

        with serve(UVICORN, SCENE="evil") as browser:

    What one test has served goes on for others, to which it looks new: all that a
    visit leaves behind is a session.
    """
    ports: dict[object, str] = {}
    with ExitStack() as servers:

        @contextmanager
        def served(
            command: tuple[str, ...] = UVICORN, **variables: str
        ) -> Generator[httpx.Client]:
            kind = (command, *sorted(variables.items()))
            if kind not in ports:
                database = tmp_path_factory.mktemp("served") / "db.sqlite3"
                shutil.copyfile(accounts, database)
                server = servers.enter_context(
                    running(*command, folder=SITE, DATABASE=str(database), **variables)
                )
                ports[kind] = server.until(LISTENING)
            with client(ports[kind]) as browser:
                yield browser

        yield served


def log_in(browser: httpx.Client, name: str) -> None:
    """Let *browser* be somebody's."""
    assert browser.get(f"/enter/{name}/").text == f"Welcome, {name}"
