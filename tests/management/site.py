"""``manage.py lifespan`` of a project, in pipes or in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from contextlib import AbstractContextManager, suppress
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.processes import LIMIT, Process, environment, running, without_slow_steps

PROJECT: Final = Path(__file__).resolve().parent / "project"
COMMAND: Final = ("-m", "django", "lifespan", "--settings=settings")


class Ran(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


@cache
def lifespan(scene: str, *arguments: str, **variables: str | None) -> Ran:
    """Run the command with its output in pipes."""
    ran = subprocess.run(
        [sys.executable, *COMMAND, *arguments],
        cwd=PROJECT,
        env=environment(SCENE=scene, **{"COLUMNS": "80", **variables}),
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=LIMIT,
    )
    out, err = map(without_slow_steps, (ran.stdout, ran.stderr))
    return Ran(ran.returncode, out, err)


def started(
    scene: str, *arguments: str, **variables: str | None
) -> AbstractContextManager[Process]:
    """Start the command, for a test that acts while it runs."""
    return running(*COMMAND, *arguments, folder=PROJECT, SCENE=scene, **variables)


def in_terminal(scene: str, *arguments: str, columns: int = 80) -> str:
    """Run the command in a terminal, and return everything that it writes there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, *COMMAND, *arguments],
        cwd=PROJECT,
        env=environment(SCENE=scene, COLUMNS=None, DJANGO_COLORS=None, NO_COLOR=None),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    try:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # EIO: the command has ended
            while piece := os.read(ours, 4096):
                written += piece
        child.wait(LIMIT)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(LIMIT)
        os.close(ours)
    return without_slow_steps(written.decode().replace("\r\n", "\n"))
