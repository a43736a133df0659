"""``manage.py test`` with our test case, clients and overrides."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.processes import LIMIT

from .conftest import PROJECT, Scratch

pytest_plugins = ["pytester"]


def manage_py_test(scratch: Scratch, *arguments: str) -> str:
    """The output of the project's own tests."""
    ran = subprocess.run(
        [sys.executable, "-Werror", PROJECT / "manage.py", "test", *arguments],
        cwd=scratch.folder,
        env={**os.environ, "PYTHONPATH": str(scratch.folder)},
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


@pytest.mark.parametrize("arguments", [(), ("--parallel=2",)], ids=["one", "parallel"])
def test_manage_py_test(scratch: Scratch, arguments: tuple[str, ...]) -> None:
    """Every kind of test case passes, in one process and in several."""
    output = manage_py_test(scratch, "shop.tests", "--shuffle", *arguments)

    assert re.search(r"Ran 16 tests in .*\n\nOK\n", output), output
    assert_opened_and_closed(scratch)


def test_pytest_django(scratch: Scratch) -> None:
    """The same tests pass under pytest-django, beside all other plugins."""
    result = scratch.run_with_all(
        scratch.folder / "shop" / "tests.py", "-oasyncio_mode=auto"
    )

    result.assert_outcomes(passed=16)
    assert_opened_and_closed(scratch)


def assert_opened_and_closed(scratch: Scratch) -> None:
    events = scratch.journal
    assert events.count("overridden has ['catalogue', 'http']") == 1
    assert events.count("only has ['http', 'socket']") == 1
    # Each has it but one; of those, four have a fake, and one starts it alone.
    for name, times in {"socket": 11, "http": 11, "catalogue": 15}.items():
        assert events.count(f"+{name}") == events.count(f"-{name}") == times, name
