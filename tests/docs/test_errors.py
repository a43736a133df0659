"""The page of errors: complete, and each message is the one that its program raises."""

from __future__ import annotations

import re
from typing import Final

import pytest

from django_lifespan_typed import exceptions
from tests.processes import running

from .pages import DOCS

ERRORS: Final = DOCS / "reference" / "errors"
PAGE: Final = DOCS / "reference" / "errors.md"
PROGRAMS: Final = sorted(ERRORS.glob("*.py"))

# Runs each program in a fork, and prints its error as the end of a traceback does.
RAISE: Final = """
import logging, os, runpy, sys
from django_lifespan_typed.exceptions import LifespanError

logging.disable()
os.environ.pop("PYTEST_CURRENT_TEST", None)
for program in sys.argv[1:]:
    print(f"--- {program}", flush=True)
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    try:
        runpy.run_path(program)
    except LifespanError as error:
        print(f"{type(error).__name__}: {error}")
    break
"""


def test_each_program_raises_the_shown_message() -> None:
    names = [program.name for program in PROGRAMS]
    with running(
        *("-c", RAISE, *names),
        folder=ERRORS,
        DJANGO_SETTINGS_MODULE="tests.settings",
    ) as python:
        assert python.wait() == 0, python.output

    shown = [
        f"--- {program.name}\n{program.with_suffix('.txt').read_text('utf-8')}"
        for program in PROGRAMS
    ]
    assert f"{python.output}\n" == "".join(shown)


@pytest.mark.parametrize("name", sorted(exceptions.__all__))
def test_an_error_has_a_cause_a_fix_and_a_program(name: str) -> None:
    text = PAGE.read_text("utf-8")
    section = re.split(r"^## ", text.split(f"\n## {name}\n")[1], flags=re.MULTILINE)[0]

    shown = re.findall(r"\{literalinclude\} errors/(\w+)\.py", section)
    assert f".. autoexception:: django_lifespan_typed.exceptions.{name}\n" in section
    assert "**Cause.**" in section
    assert "**Fix.**" in section
    # Two are only base classes. A declaration is that of a resource or of a task.
    others = {"PlanError": 0, "ResourceError": 0, "InvalidDeclaration": 2}
    assert len(shown) == others.get(name, 1)
    for program in shown:
        output = (ERRORS / f"{program}.txt").read_text("utf-8")
        assert output.startswith(f"{name}: ")
        assert f"{{literalinclude}} errors/{program}.txt" in section


def test_errors_are_in_alphabetical_order() -> None:
    headings = re.findall(r"^## (\w+)$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert headings == sorted(exceptions.__all__)
