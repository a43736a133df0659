"""Whole projects: the code of docs/how-to/testing.md, and Django's test runner."""

from __future__ import annotations

import re

from tests.processes import ROOT

from .conftest import Scratch

pytest_plugins = ["pytester"]

PAGE = ROOT / "docs" / "how-to" / "testing.md"
BLOCK = re.compile(r"```python\n# (test_\w+\.py)\n(.*?)```", re.DOTALL)

# The number of tests in each block.
TESTS = {
    "test_lifespan.py": 3,
    "test_session.py": 2,
    "test_fakes.py": 3,
    "test_view_alone.py": 1,
    "test_only.py": 1,
    "test_cases.py": 3,
    "test_clients.py": 3,
    "test_alone.py": 1,
}


def test_the_code_of_the_page_runs(scratch: Scratch) -> None:
    text = PAGE.read_text()
    blocks = dict(BLOCK.findall(text))
    for name, code in blocks.items():
        scratch.write(name, code)

    result = scratch.run_all("-oasyncio_mode=auto", plugins=("django", "asyncio"))

    assert blocks.keys() == TESTS.keys()
    assert len(blocks) == text.count("```python")
    result.assert_outcomes(passed=sum(TESTS.values()))
    assert scratch.journal.count("+http") == scratch.journal.count("-http")


def test_the_shop_passes_its_tests_in_the_test_runner_of_django(
    scratch: Scratch,
) -> None:
    ran = scratch.manage_py_test("shop.tests", "--shuffle", "--parallel=2")

    assert ran.returncode == 0, ran.stderr
    assert re.search(r"Ran 13 tests in .*\n\nOK\n", ran.stderr), ran.stderr
    assert_shop_is_closed(scratch)


def test_the_shop_passes_its_tests_in_pytest(scratch: Scratch) -> None:
    result = scratch.run_all(
        "shop/tests.py", "-oasyncio_mode=auto", plugins=("django", "asyncio")
    )

    result.assert_outcomes(passed=13)
    assert_shop_is_closed(scratch)


def assert_shop_is_closed(scratch: Scratch) -> None:
    events = scratch.journal
    assert events.count("overridden:catalogue,http") == 1
    for name, times in {"socket": 8, "http": 8, "catalogue": 12}.items():
        assert events.count(f"+{name}") == events.count(f"-{name}") == times, name
