"""The pages of the documentation, their blocks of code and their commands."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from tests.processes import ROOT

DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(
    r"(?:<!-- (?P<comment>[^>]*?) -->\n+)?"
    r"^(?P<fence>`{3,}|:{3,})(?P<kind>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ ]*$",
    re.DOTALL | re.MULTILINE,
)
_DIRECTIVE: Final = re.compile(r"\{(?P<name>[\w-]+)\}[ ]*(?P<argument>.*)")


class Block(NamedTuple):
    """The text between two fences of a page."""

    page: Path
    kind: str
    """The language, or ``{directive}``."""
    argument: str
    body: str
    comment: str
    """The text of an HTML comment right before the block."""

    @property
    def options(self) -> dict[str, str]:
        """The options of a directive."""
        return dict(re.findall(r"^:([\w-]+):[ ]*(.*)$", self.body, re.MULTILINE))

    @property
    def included(self) -> Path:
        """The file that the block includes."""
        return (self.page.parent / self.argument).resolve()

    def __str__(self) -> str:
        start = self.body.partition("\n")[0]
        return f"{self.page.relative_to(ROOT)}: {start or self.argument}"


def pages() -> list[Path]:
    """List every page of the documentation, and the README."""
    # A name with a leading underscore is a part of a page, or the build.
    found = [
        page
        for page in DOCS.rglob("*.md")
        if not any(part.startswith("_") for part in page.relative_to(DOCS).parts)
    ]
    return [ROOT / "README.md", *sorted(found)]


def blocks(page: Path) -> list[Block]:
    """List the blocks of *page* in order."""
    found = []
    for match in _FENCE.finditer(page.read_text("utf-8")):
        kind, argument = match["kind"].strip(), ""
        directive = _DIRECTIVE.fullmatch(kind)
        if directive:
            kind, argument = f"{{{directive['name']}}}", directive["argument"].strip()
        found.append(Block(page, kind, argument, match["body"], match["comment"] or ""))
    return found


def commands(page: Path) -> list[str]:
    """List the command lines of *page*, with continued lines joined."""
    return [
        line.strip().removeprefix("$ ")
        for block in blocks(page)
        if block.kind == "console"
        for line in block.body.replace("\\\n", " ").splitlines()
    ]


def command(page: Path, begins: str, *, port: str = "8000") -> list[str]:
    """
    Return the one command of *page* that is *begins* or begins so, as arguments for
    Python, with *port* on loopback.
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
    return [str(Path(sys.executable).with_name(program)), *arguments]
