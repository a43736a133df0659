"""Overrides of classes whose setUpClass starts a live server, in whatever process."""

from __future__ import annotations

import pytest

from .conftest import Scratch

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _daphne(scratch: Scratch) -> None:
    scratch.environment.setenv("APPS", "daphne")
    # Not the default on macOS, and on Linux since Python 3.14.
    scratch.environment.setenv("START_METHOD", "fork")


def test_a_forked_server_serves_the_override_of_its_class(scratch: Scratch) -> None:
    """One that begins after the server, with a method, is refused."""
    ran = scratch.manage_py_test("shop.process_tests")

    assert "Ran 5 tests" in ran.stderr
    assert "FAILED (errors=2)" in ran.stderr
    for name in ("test_live", "test_async"):
        assert (
            f"RuntimeError: override_state() on {name} does not reach the live server "
            "of MethodTests, a process that started before the test\n"
            "Decorate the class MethodTests. For code in the process of the test, "
            "write in the method: with override_state(KEY, value):\n"
        ) in ran.stderr
    # The real client serves one class, and the fake the two others.
    clients = [event for event in scratch.journal if "catalogue" not in event]
    assert clients == ["+socket", "+http", "-http", "-socket"]


@pytest.mark.slow
def test_a_forked_server_serves_the_override_in_pytest(scratch: Scratch) -> None:
    cases = (
        f"shop/process_tests.py::{case}" for case in ("ProcessTests", "OverriddenTests")
    )

    result = scratch.run_all(*cases, plugins=("django",))

    result.assert_outcomes(passed=2)


def test_a_server_that_does_not_inherit_the_override_is_refused(
    scratch: Scratch,
) -> None:
    scratch.environment.setenv("START_METHOD", "spawn")

    ran = scratch.manage_py_test("shop.process_tests.OverriddenTests")

    assert ran.returncode == 1
    assert (
        "RuntimeError: override_state() does not reach the live server of "
        "OverriddenTests: the start method of its process is 'spawn', and only "
        "'fork' copies overrides\n"
        'Write multiprocessing.set_start_method("fork") in the settings of the tests, '
        "or use Django's LiveServerTestCase, whose server is a thread.\n"
    ) in ran.stderr
    assert scratch.journal == []
