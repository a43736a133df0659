"""Every block of code on every page comes from a tested file, or is run by a test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.processes import ROOT

from .pages import Block, blocks, pages

CODE: Final = {"bash", "console", "pycon", "python", "sh", "shell"}

# Which tests run the blocks that stand on a page itself. A folder is for the pages
# that are named in it.
RUN_BY: Final = {
    "README.md": "tests/test_readme.py",
    "docs/explanation/": "tests/explanation",
    "docs/explanation/performance.md": "tests/benchmarks",
    "docs/explanation/reliability.md": "tests/soak",
    "docs/how-to/": "tests/how_to",
    "docs/how-to/debug-toolbar.md": "tests/panels/test_setup.py",
    "docs/how-to/health.md": "tests/health/test_how_to.py",
    "docs/how-to/status-page.md": "tests/status_page/test_docs.py",
    "docs/how-to/testing.md": "tests/testing/test_projects.py",
    "docs/reference/checks.md": "tests/checks/test_command.py",
    "docs/reference/command.md": "tests/management",
    "docs/tutorial/": "tests/docs/test_tutorial.py",
}

# Whose files are run as programs, served or imported by tests.
TESTED: Final = (
    "docs/how-to/programs",
    "docs/reference/errors",
    "docs/reference/settings_default.py",
    "docs/tutorial/programs",
    "example_site",
    "tests",
)

# A page that cannot be run is a page that nobody knows to be true.
MOST_NOT_RUN: Final = 8


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def code_on(page: Path) -> list[Block]:
    """Blocks of code that are not included from a file."""
    return [block for block in blocks(page) if block.kind in CODE]


def is_marked(block: Block) -> bool:
    """Whether a reason is given for not running it."""
    return re.fullmatch(r"not run: \S.*", block.comment, re.DOTALL) is not None


@pytest.mark.parametrize("page", pages(), ids=named)
def test_what_stands_on_a_page_is_run(page: Path) -> None:
    """By the tests that the page is listed with, which name it; or it says why not."""
    left = [block for block in code_on(page) if not is_marked(block)]
    name, folder = named(page), f"{named(page.parent)}/"
    tests = ROOT / RUN_BY.get(name, RUN_BY.get(folder, "tests/none"))
    files = [tests] if tests.is_file() else sorted(tests.rglob("*.py"))

    found = [file for file in files if is_named(page, file.read_text("utf-8"))]

    assert not left or found, f"{left[0]} is run by no test of {tests}"


def is_named(page: Path, code: str) -> bool:
    """By its file's name, by its stem as a string, or by the pattern of its folder."""
    patterns = [re.escape(page.name), rf"[\"'/]{re.escape(page.stem)}[\"']"]
    if page.parent.name == "tutorial":
        patterns.append(r"\[0-9\]\*\.md")
    return any(re.search(pattern, code) for pattern in patterns)


@pytest.mark.parametrize("page", pages(), ids=named)
def test_what_a_page_includes_is_tested(page: Path) -> None:
    """Each file is there, and in a folder whose programs are run."""
    included = [
        block
        for block in blocks(page)
        if block.kind in {"{literalinclude}", "{include}"}
    ]

    missing = [str(block) for block in included if not block.included.is_file()]
    untested = [
        str(block)
        for block in included
        if block.kind == "{literalinclude}"
        and not block.included.relative_to(ROOT).as_posix().startswith(TESTED)
    ]

    assert (missing, untested) == ([], [])


def test_few_blocks_are_not_run() -> None:
    """And each of them says why."""
    marked = [block for page in pages() for block in code_on(page) if is_marked(block)]

    assert len(marked) <= MOST_NOT_RUN, "\n".join(map(str, marked))


def test_every_list_of_tests_is_of_a_page() -> None:
    """No entry outlives its page, and each names tests that are there."""
    gone = [
        name
        for name, tests in RUN_BY.items()
        if not ((ROOT / name).exists() and (ROOT / tests).exists())
    ]

    assert gone == []
