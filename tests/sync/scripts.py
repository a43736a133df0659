"""Scripts in processes of their own, with a resource that says what becomes of it."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tests.processes import LIMIT, ROOT, Process, running


@contextmanager
def running_script(script: str) -> Generator[Process]:
    """Python code that has ``PRELUDE`` before it, gone when the block ends."""
    # Development mode reports what others leave to the end of a process.
    with running(
        "-c", PRELUDE + script, folder=ROOT, PYTHONUNBUFFERED="1", PYTHONDEVMODE=None
    ) as child:
        yield child


def interrupt(child: Process, number: signal.Signals, until: str) -> None:
    """
    Send a signal until what it leads to is printed. asgiref waits without a limit,
    and Python sees a signal that comes just before a wait only after it.
    """
    for _ in range(LIMIT // 10):
        child.send(number)
        if child.soon(until, 10):
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

# Forks while threads run are what is tested.
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
