"""The scratch project under each of the commands that run Daphne."""

from __future__ import annotations

import os
import re
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from tests.processes import LIMIT, Process, running

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


def save(process: Process, file: Path, text: str) -> None:
    """
    Write *file*, and wait until the autoreloader has noticed.

    It sees no change from before its first look, which it tells nobody about: the
    file is saved again, each time a little younger, until it does.
    """
    noticed = f"{re.escape(str(file))} changed, reloading.$"
    file.write_text(text, "utf-8")
    deadline = time.monotonic() + LIMIT
    while not process.soon(noticed, 0.5):
        assert process.alive, process.output
        assert time.monotonic() < deadline, process.output
        changed = file.stat().st_mtime_ns + 10**9
        os.utime(file, ns=(changed, changed))
