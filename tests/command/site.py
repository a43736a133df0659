"""The scratch project's ``manage.py lifespan``, piped or in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.processes import LIMIT, Process, environment, running, without_slow_steps

PROJECT: Final = Path(__file__).resolve().parent / "project"
COMMAND: Final = ("manage.py", "lifespan")


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def lifespan(app: str, *arguments: str, **variables: str | None) -> Ran:
    """The command of a project that has *app*, with its output in pipes."""
    ran = subprocess.run(
        [sys.executable, *COMMAND, *arguments],
        cwd=PROJECT,
        env=environment(APP=app, **{"COLUMNS": "80", **variables}),
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=LIMIT,
    )
    out, err = map(without_slow_steps, (ran.stdout, ran.stderr))
    return Ran(ran.returncode, out, err)


def going_on(
    app: str, *arguments: str, **variables: str | None
) -> AbstractContextManager[Process]:
    """The same, to be looked at while it goes on."""
    return running(*COMMAND, *arguments, folder=PROJECT, APP=app, **variables)


def in_terminal(app: str, *arguments: str, columns: int = 80) -> tuple[int, str]:
    """Its exit code and all that it wrote to a terminal of so many columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, *COMMAND, *arguments],
        cwd=PROJECT,
        env=environment(APP=app, COLUMNS=None, DJANGO_COLORS=None, NO_COLOR=None),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    try:
        os.close(its)
        written = b""
        with suppress(OSError):  # EIO: nobody has the other end any more
            while piece := os.read(ours, 4096):
                written += piece
        code = child.wait(LIMIT)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(LIMIT)
        os.close(ours)
    return code, without_slow_steps(written.decode().replace("\r\n", "\n"))


def unnumbered(text: str) -> str:
    """*text* without what differs from run to run: durations, bars, this folder."""
    text = re.sub(r" +[█░]+ +", "  BAR  ", text)
    text = re.sub(r"\d+\.\d ms", "N ms", text)
    return text.replace(f"{PROJECT}/", "")
