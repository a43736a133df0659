"""The scratch project under each of the commands that run Daphne."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from tests.processes import Process, running

PROJECT: Final = Path(__file__).resolve().parent / "project"

DAPHNE: Final = ("-m", "daphne", "-p", "0", "{application}")
RUNSERVER: Final = ("manage.py", "runserver", "--noreload", "127.0.0.1:0")
AUTORELOADED: Final = ("manage.py", "runserver", "127.0.0.1:0")

everywhere: Final = pytest.mark.parametrize(
    "command",
    [
        pytest.param(DAPHNE, id="daphne"),
        pytest.param(RUNSERVER, id="runserver"),
        pytest.param(AUTORELOADED, id="runserver, autoreloaded"),
    ],
)
in_one_process: Final = pytest.mark.parametrize(
    "command",
    [pytest.param(DAPHNE, id="daphne"), pytest.param(RUNSERVER, id="runserver")],
)

PLAIN: Final = "mysite.asgi"
JOURNALED: Final = "mysite.journaled"


def serving(
    command: tuple[str, ...], folder: Path, *, module: str = PLAIN, **variables: str
) -> AbstractContextManager[Process]:
    """The project in *folder* under *command*."""
    return running(
        *(part.format(application=f"{module}:application") for part in command),
        folder=folder,
        DJANGO_SETTINGS_MODULE="mysite.settings",
        ASGI_APPLICATION=f"{module}.application",
        **variables,
    )


def port_of(process: Process, *, nth: int = 1) -> str:
    """Where it listens; *nth* counts the starts under the autoreloader."""
    return process.until(r"^Listening on TCP address 127.0.0.1:(\d+)$", nth=nth)
