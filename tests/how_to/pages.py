"""What the how-to pages say: their blocks, and the commands in them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from tests.processes import ROOT

HOW_TO: Final = ROOT / "docs" / "how-to"
PROGRAMS: Final = HOW_TO / "programs"

PAGES: Final = (
    *("httpx", "redis", "postgresql", "model-in-memory", "background-task"),
    *("channels", "daphne", "production", "wsgi", "commands-and-tasks"),
    *("mounted-apps", "moving", "signals", "typing"),
)

_FENCE: Final = re.compile(
    r"^(?P<fence>```+)(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


def blocks(page: str) -> list[tuple[str, str]]:
    """What each block of a page is, and what stands in it."""
    text = (HOW_TO / f"{page}.md").read_text("utf-8")
    return [(found["info"], found["text"]) for found in _FENCE.finditer(text)]


def commands(page: str) -> list[str]:
    """The command lines of a page, each in one line."""
    return [
        line.strip()
        for info, text in blocks(page)
        if info == "console"
        for line in text.replace("\\\n", " ").splitlines()
    ]


def command(page: str, begins: str, *, port: str = "8000") -> list[str]:
    """
    The command of a page that is so, or else the one that begins so, as arguments
    of Python; its port is *port*, on loopback.
    """
    found = commands(page)
    (line,) = [each for each in found if each == begins] or [
        each for each in found if each.startswith(begins)
    ]
    program, *arguments = line.split()
    arguments = [
        part.replace("8000", port).replace("0.0.0.0", "127.0.0.1") for part in arguments
    ]
    if program == "python":
        return arguments
    script = Path(sys.executable).with_name(program)
    assert script.exists(), f"{program} is not installed beside {sys.executable}"
    return [str(script), *arguments]
