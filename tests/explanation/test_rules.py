"""rules.md and its fellows name tests: there they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ROOT / "docs" / "explanation"
RULES: Final = (PAGES / "rules.md").read_text("utf-8")

_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_PATH: Final = re.compile(r"`((?:tests|docs)/[\w./-]+)`")


def _sections() -> list[str]:
    return re.split(r"^## ", RULES, flags=re.MULTILINE)[1:]


def test_there_are_fourteen_rules() -> None:
    """Numbered, each with a reason."""
    titles = [section.partition("\n")[0] for section in _sections()]

    numbers = [int(title.partition(".")[0]) for title in titles]
    assert numbers == list(range(1, 15))
    assert [section for section in _sections() if "\nWhy: " not in section] == []


@pytest.mark.parametrize("number", range(14))
def test_a_rule_names_tests_that_hold_it(number: int) -> None:
    """Each is a function in the file that is named."""
    named = _TEST.findall(_sections()[number])

    assert named
    assert [
        f"{path}::{name}" for path, name in named if name not in _functions(ROOT / path)
    ] == []


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md")))
def test_a_page_names_files_that_are_there(page: str) -> None:
    """What moves, moves on the pages too."""
    named = _PATH.findall((PAGES / page).read_text("utf-8"))

    # What is built, and not kept, is not named by these pages.
    assert [path for path in named if not (ROOT / path).exists()] == []


def _functions(path: Path) -> set[str]:
    """The tests of a module, also of its classes."""
    tree = ast.parse(path.read_bytes())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
