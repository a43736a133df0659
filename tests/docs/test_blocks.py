"""Each block of code on a page is included from a tested file, or run by a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from tests.processes import ROOT

from .pages import DOCS, Block, blocks, commands, pages

TESTS: Final = ROOT / "tests"
HOW_TO: Final = DOCS / "how-to"
CODE: Final = {"bash", "console", "pycon", "python", "sh", "shell"}

# Tests run, serve or import every file in these.
TESTED: Final = (
    "docs/how-to/programs",
    "docs/reference/errors",
    "docs/reference/settings_default.py",
    "docs/tutorial/programs",
    "example_site",
    "tests",
)
MOST_NOT_RUN: Final = 8

_TESTS_IN_FOLDER: Final = {"docs/tutorial": "tests/docs/test_tutorial.py"}


def path_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def is_marked(block: Block) -> bool:
    """Return whether the page gives a reason for not running *block*."""
    return re.fullmatch(r"not run: \S.*", block.comment, re.DOTALL) is not None


def code_on(page: Path) -> list[Block]:
    """List the blocks that stand on the page itself."""
    return [block for block in blocks(page) if block.kind in CODE]


def strings(path: Path) -> set[str]:
    """The string literals of a Python file."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


STRINGS: Final = {path: strings(path) for path in sorted(TESTS.rglob("*.py"))}


def files_that_name(page: Path) -> list[Path]:
    """List the files of tests that contain the name of *page*."""
    names = {page.name, page.stem, path_of(page)}
    return [path for path, found in STRINGS.items() if found & names]


@pytest.mark.parametrize("page", pages(), ids=path_of)
def test_code_on_a_page_is_run_by_a_test_that_names_the_page(page: Path) -> None:
    left = [block for block in code_on(page) if not is_marked(block)]
    for_folder = _TESTS_IN_FOLDER.get(path_of(page.parent))

    found = [ROOT / for_folder] if for_folder else files_that_name(page)

    assert not left or found, f"no test runs {left[0]}"


def test_few_blocks_are_marked_as_not_run() -> None:
    marked = [block for page in pages() for block in code_on(page) if is_marked(block)]

    assert len(marked) <= MOST_NOT_RUN, "\n".join(map(str, marked))


@pytest.mark.parametrize("page", pages(), ids=path_of)
def test_included_code_is_in_a_tested_folder(page: Path) -> None:
    untested = [
        str(block)
        for block in blocks(page)
        if block.kind == "{literalinclude}"
        and not path_of(block.included).startswith(TESTED)
    ]

    assert untested == []


def test_each_file_of_a_how_to_program_is_shown() -> None:
    """A reader can follow the page with nothing else at hand."""
    shown = {
        block.included.read_text("utf-8")
        for page in HOW_TO.glob("*.md")
        for block in blocks(page)
        if block.kind == "{literalinclude}"
    }
    hidden = [
        path_of(path)
        for path in (HOW_TO / "programs").rglob("*")
        if path.is_file()
        and path.name != "__init__.py"
        and "__pycache__" not in path.parts
        and path.read_text("utf-8") not in shown
    ]

    assert hidden == []


@pytest.mark.parametrize("page", sorted(HOW_TO.glob("*.md")), ids=path_of)
def test_each_command_of_a_how_to_page_is_run(page: Path) -> None:
    """A test names the page, and how the command begins."""
    named = {text for path in files_that_name(page) for text in STRINGS[path] if text}

    for line in commands(page):
        program = line.split()[0]
        assert any(line.startswith(each) and program in each for each in named), line


@pytest.mark.parametrize("page", [*pages(), ROOT / "CONTRIBUTING.md"], ids=path_of)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = re.findall(r"`((?:tests|docs)/[\w./-]+)`", text)
    # The page of architecture names modules of the package.
    modules = re.findall(r"`(_[a-z]+\.[a-z_]+)`", text)
    named += [f"django_lifespan_typed/{each.replace('.', '/')}.py" for each in modules]

    # `make docs` builds docs/_build.
    assert [
        name
        for name in named
        if not (ROOT / name).exists() and not name.startswith("docs/_build")
    ] == []
