"""The status page: called directly, and served to a user of a project."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

import httpx
import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from django_lifespan_typed.views import status_page
from tests.journaling import add
from tests.processes import client, running

__all__ = ["add"]

SITE: Final = Path(__file__).parent / "site"
LISTENING: Final = r"(?:running on|Listening at:) http://127\.0\.0\.1:(\d+)"

UVICORN: Final = (
    *("-m", "uvicorn", "mysite.asgi:application"),
    *("--port", "0", "--no-use-colors", "--ws", "none"),
)
GUNICORN: Final = (
    *("-m", "gunicorn", "mysite.wsgi:application", "--bind", "127.0.0.1:0"),
    *("--worker-class", "gthread", "--threads", "2"),
)

CREATE_USERS: Final = """
from django.contrib.auth import get_user_model
users = get_user_model().objects
users.create_user("visitor")
users.create_user("staff", is_staff=True)
"""

Serve: TypeAlias = Callable[..., AbstractContextManager[httpx.Client]]
Show: TypeAlias = Callable[..., HttpResponse]


def user(**flags: bool) -> Any:
    return SimpleNamespace(
        **{"is_authenticated": True, "is_active": True, "is_staff": True, **flags}
    )


STAFF: Final = user()


@pytest.fixture
def show() -> Generator[Show]:
    """Calls the view for a user, by default an active member of staff."""

    def call(user: Any = STAFF, method: str = "GET") -> Any:
        request = RequestFactory().generic(method, "/lifespan/")
        request.user = user
        return status_page(request)

    with override_settings(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]
    ):
        yield call


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the users ``visitor`` and ``staff``."""
    database = tmp_path_factory.mktemp("users") / "db.sqlite3"
    for arguments in (("migrate",), ("shell", "-c", CREATE_USERS)):
        with running(
            *("-m", "django", *arguments, "--settings=mysite.settings"),
            folder=SITE,
            DATABASE=str(database),
        ) as process:
            assert process.wait() == 0, process.output
    return database


@pytest.fixture(scope="session")
def serve(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Serve]:
    """
    Serves the project to a new HTTP client::

        with serve(UVICORN, SCENE="evil") as browser:

    Tests share the servers: a visit leaves nothing behind but a session.
    """
    ports: dict[object, str] = {}
    with ExitStack() as servers:

        @contextmanager
        def served(
            command: tuple[str, ...] = UVICORN, **variables: str
        ) -> Generator[httpx.Client]:
            kind = (command, *sorted(variables.items()))
            if kind not in ports:
                own = tmp_path_factory.mktemp("served") / "db.sqlite3"
                shutil.copyfile(database, own)
                server = servers.enter_context(
                    running(*command, folder=SITE, DATABASE=str(own), **variables)
                )
                ports[kind] = server.until(LISTENING)
            with client(ports[kind]) as browser:
                yield browser

        yield served


def log_in(browser: httpx.Client, name: str) -> None:
    assert browser.get(f"/enter/{name}/").text == f"Welcome, {name}"
