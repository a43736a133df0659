"""The pages themselves: all that they show is in a file that is run here."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from .pages import HOW_TO, PAGES, PROGRAMS, blocks, commands

HERE: Final = Path(__file__).parent
INCLUDE: Final = "{literalinclude} "
# What makes a Python package of a folder.
UNSHOWN: Final = {"__init__.py"}

pages = pytest.mark.parametrize("page", PAGES)


def included(page: str) -> set[Path]:
    """The files that a page shows."""
    return {
        (HOW_TO / info.removeprefix(INCLUDE)).resolve()
        for info, _ in blocks(page)
        if info.startswith(INCLUDE)
    }


@pages
def test_a_page_shows_files_that_are_there(page: str) -> None:
    """And no code of its own: only commands."""
    kinds = {info for info, _ in blocks(page) if not info.startswith(INCLUDE)}

    assert kinds == {"console"}
    assert included(page)
    assert [path for path in included(page) if not path.is_file()] == []


def test_every_file_of_a_program_is_shown() -> None:
    """Else a reader could not follow; what two programs share is shown once."""
    shown = {path for page in PAGES for path in included(page)}
    texts = {path.read_text("utf-8") for path in shown}
    hidden = [
        str(path.relative_to(PROGRAMS))
        for path in PROGRAMS.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.name not in UNSHOWN
        and path.read_text("utf-8") not in texts
        # The page says: but for its name nothing changes.
        and not path.is_relative_to(PROGRAMS / "httpx2")
    ]

    assert hidden == []


def test_the_successor_differs_by_its_name_alone() -> None:
    """As the page says."""
    for path in (PROGRAMS / "httpx").rglob("*.py"):
        text = path.read_text("utf-8")
        other = PROGRAMS / "httpx2" / path.relative_to(PROGRAMS / "httpx")
        renamed = re.sub(r"\bhttpx\b", "httpx2", text)
        renamed = renamed.replace("httpx_client", "httpx2_client")

        assert "".join(other.read_text("utf-8").split()) == "".join(renamed.split())


@pages
def test_every_command_of_a_page_is_run(page: str) -> None:
    """By a test that names the page, and how the command begins."""
    named = [strings(path) for path in HERE.glob("test_*.py") if path != Path(__file__)]
    begins = {text for texts in named if page in texts for text in texts if text}

    for line in commands(page):
        program = line.split()[0]
        ran = [each for each in begins if line.startswith(each) and program in each]
        assert ran, f"no test runs: {line}"


def strings(path: Path) -> set[str]:
    """The strings in a file."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pages
def test_a_page_links_pages(page: str) -> None:
    """Which are there, or are another section's."""
    text = (HOW_TO / f"{page}.md").read_text("utf-8")
    links = re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", text)
    missing = [
        link
        for link in links
        if not link.startswith("../") and not (HOW_TO / link).is_file()
    ]

    assert missing == []
