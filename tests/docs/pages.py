"""The pages of the documentation, and the blocks of code that they show."""

from __future__ import annotations

import re
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
_OPTION: Final = re.compile(r"^:(?P<name>[\w-]+):[ ]*(?P<value>.*)$", re.MULTILINE)


class Block(NamedTuple):
    """What stands between two fences."""

    page: Path
    line: int
    kind: str
    """The language, or ``{directive}``."""
    argument: str
    body: str
    comment: str
    """That of the HTML comment right before it."""

    @property
    def options(self) -> dict[str, str]:
        """Those of a directive."""
        return dict(_OPTION.findall(self.body))

    @property
    def included(self) -> Path:
        """The file that it includes."""
        return (self.page.parent / self.argument).resolve()

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page of the documentation, and the README."""
    # A name that begins with "_" is a part of a page, or what was built.
    found = [
        page
        for page in DOCS.rglob("*.md")
        if not any(part.startswith("_") for part in page.relative_to(DOCS).parts)
    ]
    return [ROOT / "README.md", *sorted(found)]


def blocks(page: Path) -> list[Block]:
    """All of *page*, in order."""
    text = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        kind, argument = match["kind"].strip(), ""
        directive = _DIRECTIVE.fullmatch(kind)
        if directive:
            kind, argument = f"{{{directive['name']}}}", directive["argument"].strip()
        line = text.count("\n", 0, match.start("fence")) + 1
        comment = match["comment"] or ""
        found.append(Block(page, line, kind, argument, match["body"], comment))
    return found
