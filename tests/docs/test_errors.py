"""The page of errors: complete, and each message is what its program raises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from django_lifespan_typed import exceptions
from tests.processes import running

from .pages import DOCS

ERRORS: Final = DOCS / "reference" / "errors"
PAGE: Final = DOCS / "reference" / "errors.md"
PROGRAMS: Final = sorted(ERRORS.glob("*.py"))

# Runs a program, and prints what it raises as the end of a traceback has it.
RAISING: Final = """
import logging, runpy, sys
from django_lifespan_typed.exceptions import LifespanError

logging.disable()
try:
    runpy.run_path(sys.argv[1])
except LifespanError as error:
    print(f"{type(error).__name__}: {error}")
"""


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_raises_what_the_page_shows(program: Path) -> None:
    """To the letter."""
    with running(
        *("-c", RAISING, program.name),
        folder=ERRORS,
        DJANGO_SETTINGS_MODULE="tests.settings",
    ) as python:
        assert python.wait() == 0, python.output

    assert python.output == program.with_suffix(".txt").read_text("utf-8").rstrip()


def test_each_error_has_its_place() -> None:
    """In the order of the alphabet, with a program unless it is a base class alone."""
    headings = re.findall(r"^## (\w+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    bases = {"PlanError", "ResourceError"}

    assert headings == sorted(exceptions.__all__)
    assert {path.stem for path in PROGRAMS} == {
        snake(name) for name in headings if name not in bases
    }


@pytest.mark.parametrize("name", sorted(exceptions.__all__))
def test_an_error_has_cause_and_fix(name: str) -> None:
    """And shows the program with its message, where it has one."""
    text = PAGE.read_text("utf-8")
    section = re.split(r"^## ", text.split(f"\n## {name}\n")[1], flags=re.MULTILINE)[0]

    assert f".. autoexception:: django_lifespan_typed.exceptions.{name}\n" in section
    assert "**Cause.**" in section
    assert "**Fix.**" in section
    if (ERRORS / f"{snake(name)}.py").exists():
        assert f"{{literalinclude}} errors/{snake(name)}.py" in section
        assert f"{{literalinclude}} errors/{snake(name)}.txt" in section
