"""LifespanTestRunner: gives every test case of a project a running lifespan."""

from __future__ import annotations

import unittest
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar

from django.test import SimpleTestCase
from django.test.runner import DiscoverRunner, ParallelTestSuite, RemoteTestRunner

from .._compat import override
from .._declare.keys import StateKey
from .._runtime.lifespan import Lifespan
from .overriding import override_state
from .test_case import LifespanTestCase, start_for


class LifespanTestRunner(DiscoverRunner):
    """
    A test runner that gives every test a running lifespan, as ``LifespanTestCase``
    does::

        TEST_RUNNER = "django_lifespan_typed.testing.LifespanTestRunner"

    Each test of ``SimpleTestCase`` and its subclasses, sync or async, has resources of
    its own, from before its ``setUp`` until after its cleanups. Other test cases of
    ``unittest`` have none. Derive from it to use fakes in every test::

        class TestRunner(LifespanTestRunner):
            @classmethod
            def overrides(cls) -> list[override_state[Any]]:
                return [override_state(HTTP, FakeHTTP())]
    """

    only: ClassVar[tuple[StateKey[Any], ...] | None] = None
    """The keys to start, with their dependencies; None for all."""

    @classmethod
    def overrides(cls) -> Iterable[override_state[Any]]:
        """
        Return the overrides of a test; called before each one.

        The decorators of a test case and of a test method take precedence.
        """
        return ()

    @override
    def run_suite(self, suite: unittest.TestSuite, **kwargs: Any) -> Any:
        """Run the tests, in this process or in those of ``--parallel``."""
        if isinstance(suite, ParallelTestSuite):
            parallel: Any = suite
            parallel.runner_class = partial(_WorkerRunner, type(self))
        else:
            _prepare(suite, type(self))
        return super().run_suite(suite, **kwargs)


class _WorkerRunner(RemoteTestRunner):
    """Runs the tests of one class in a process of ``--parallel``."""

    def __init__(self, parent: type[LifespanTestRunner], **options: Any) -> None:
        super().__init__(**options)
        self._parent = parent

    @override
    def run(self, test: Any) -> Any:
        # Here, because a prepared test cannot be pickled.
        _prepare(test, self._parent)
        return super().run(test)


def _prepare(test: object, runner: type[LifespanTestRunner]) -> None:
    if isinstance(test, unittest.TestSuite):
        for each in test:
            _prepare(each, runner)
    elif isinstance(test, SimpleTestCase) and not isinstance(
        test, unittest.IsolatedAsyncioTestCase
    ):
        vars(test)["setUp"] = partial(_set_up, test, runner)


def _set_up(test: SimpleTestCase, runner: type[LifespanTestRunner]) -> None:
    del vars(test)["setUp"]  # from here on, the method of the class
    with ExitStack() as stack:
        for each in runner.overrides():
            stack.enter_context(each)
        test.addCleanup(stack.pop_all().close)
    if not isinstance(test, LifespanTestCase):
        start_for(test, Lifespan(only=runner.only))
    test.setUp()
