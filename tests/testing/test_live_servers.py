"""Overrides of classes whose setUpClass starts a live server, in whatever process."""

from __future__ import annotations

import pytest

from .conftest import STARTED, STOPPED, Scratch

pytest_plugins = ["pytester"]

CASES = ("ProcessTests", "OverriddenTests")
# The real resources serve one class, and the fake the other.
SERVED = sorted(["+catalogue", "-catalogue", *STARTED, *STOPPED])


@pytest.fixture(autouse=True)
def _daphne(scratch: Scratch) -> None:
    scratch.environment.setenv("APPS", "daphne")
    # Not the default on macOS, and on Linux since Python 3.14.
    scratch.environment.setenv("START_METHOD", "fork")


def test_a_forked_server_serves_the_override_of_its_class(scratch: Scratch) -> None:
    ran = scratch.manage_py_test(*(f"shop.process_tests.{case}" for case in CASES))

    assert ran.returncode == 0, ran.stderr
    assert "Ran 2 tests" in ran.stderr
    assert sorted(scratch.journal) == SERVED


def test_a_forked_server_serves_the_override_in_pytest(scratch: Scratch) -> None:
    tests = (f"shop/process_tests.py::{case}" for case in CASES)
    result = scratch.run_with_all_plugins(*tests)

    result.assert_outcomes(passed=2)
    assert sorted(scratch.journal) == SERVED


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_server_that_does_not_inherit_the_override_is_refused(
    method: str, scratch: Scratch
) -> None:
    scratch.environment.setenv("START_METHOD", method)

    ran = scratch.manage_py_test("shop.process_tests.OverriddenTests")

    assert ran.returncode == 1
    assert (
        "RuntimeError: override_state() does not reach the live server of "
        f"OverriddenTests: the start method of its process is '{method}', and only "
        "'fork' copies overrides\n"
        'Write multiprocessing.set_start_method("fork") in the settings of the tests, '
        "or use Django's LiveServerTestCase, whose server is a thread.\n"
    ) in ran.stderr
    assert scratch.journal == []


def test_a_method_that_starts_after_its_server_is_refused(scratch: Scratch) -> None:
    ran = scratch.manage_py_test("shop.process_tests.MethodTests")

    assert "Ran 3 tests" in ran.stderr
    assert "FAILED (errors=2)" in ran.stderr
    for name in ("test_live", "test_async"):
        assert (
            f"RuntimeError: override_state() on {name} does not reach the live server "
            "of MethodTests, a process that started before the test\n"
            "Decorate the class MethodTests. For code in the process of the test, "
            "write in the method: with override_state(KEY, value):\n"
        ) in ran.stderr
