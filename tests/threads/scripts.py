"""Scripts in processes of their own, with a resource that prints what happens to it."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tests.processes import LIMIT, ROOT, Process, running


@contextmanager
def running_script(script: str) -> Generator[Process]:
    """Run Python code after ``PRELUDE`` until the block ends."""
    # Development mode reports tasks and loops that are still open at the end.
    with running(
        "-c", PRELUDE + script, folder=ROOT, PYTHONUNBUFFERED="1", PYTHONDEVMODE=None
    ) as child:
        yield child


def interrupt(child: Process, number: signal.Signals, until: str) -> None:
    """
    Send a signal, repeatedly, until the child prints *until*.

    Python notices a signal that arrives just before a wait without a limit only after
    that wait.
    """
    for _ in range(LIMIT // 3):
        child.send(number)
        if child.soon(until, 3):
            return
    raise AssertionError(f"no {until!r} in:\n{child.output}")


PRELUDE: Final = """
import asyncio, os, signal, sys, threading, warnings
from collections.abc import AsyncGenerator
from typing import Any

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="tests.urls",
    SECRET_KEY="of a script",
    LIFESPAN={"CANCEL_TIMEOUT": 5},
)
django.setup()

from django_lifespan_typed import (
    Lifespan, StateKey, current_state, get_state, lifespan_resource,
)
from django_lifespan_typed.exceptions import LifespanError

# Some scripts fork on purpose while threads run.
warnings.filterwarnings("ignore", category=DeprecationWarning)


def say(text: object) -> None:
    os.write(1, f"{text}\\n".encode())


@lifespan_resource("pool")
async def pool() -> AsyncGenerator[str]:
    say("+pool")
    try:
        yield f"pool of {os.getpid()}"
    finally:
        say("-pool")

"""
