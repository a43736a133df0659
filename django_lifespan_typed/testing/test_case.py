"""LifespanTestCase: a mixin for test cases whose tests need the resources."""

from __future__ import annotations

import unittest
from contextlib import ExitStack
from typing import Any, ClassVar

from django.test import AsyncClient, Client

from .._declare.keys import StateKey
from .._declare.plan import keys_only
from .._declare.registry import Registry
from .._runtime.lifespan import Lifespan
from .._runtime.state import LifespanState
from .clients import LifespanAsyncClient, LifespanClient
from .live_server import serving_on
from .overriding import decorators_of


class LifespanTestCase(unittest.TestCase):
    """
    A mixin for Django's test cases: each test has a running lifespan::

        class SearchTests(LifespanTestCase, TestCase):
            only = (CATALOGUE,)

            async def test_search(self) -> None:
                books = await self.state[CATALOGUE].search("whale")
                response = await self.async_client.get("/search/")

    Test methods, sync or async, and async views run on the event loop of the
    resources. ``self.client`` and ``self.async_client`` use this lifespan, too. It
    starts in ``setUp``, so call ``super().setUp()`` first in your own. It shuts down
    after ``tearDown`` and after the cleanups that were added later.

    A factory that queries the database, sync or async, has a connection of its own.
    It does not see uncommitted rows of the test's transaction, and SQLite may report
    a locked table. Use ``TransactionTestCase`` for such resources, and create the
    rows that they read before ``super().setUp()``.
    """

    only: ClassVar[tuple[StateKey[Any], ...] | None] = None
    """The keys to start, with their dependencies; None for all of the registry."""

    registry: ClassVar[Registry | None] = None
    """The registry to start; None for the default registry."""

    client_class: type[Client] = LifespanClient
    async_client_class: type[AsyncClient] = LifespanAsyncClient

    lifespan: Lifespan
    """The lifespan that runs during a test."""

    state: LifespanState
    """The values of the resources."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.only is not None:
            keys_only(cls.only, cls.__qualname__)
        if issubclass(cls, unittest.IsolatedAsyncioTestCase):
            raise TypeError(
                f"{cls.__qualname__} derives from LifespanTestCase and from "
                "IsolatedAsyncioTestCase, which has an event loop of its own\n"
                "Write: class Tests(LifespanTestCase, django.test.SimpleTestCase), "
                "whose test methods may be async too."
            )

    def setUp(self) -> None:
        """Start the resources, with the overrides that decorate the test method."""
        # The last cleanup: parallel test runs pickle a case with a failed subtest.
        self.addCleanup(self._forget)
        super().setUp()
        self.lifespan = Lifespan(self.registry, only=self.only)
        self.state = start_for(self, self.lifespan)

    def _forget(self) -> None:
        vars(self).pop("lifespan", None)
        vars(self).pop("state", None)


def start_for(test: unittest.TestCase, lifespan: Lifespan) -> LifespanState:
    """Start *lifespan* with the overrides of *test*, until its cleanups have run."""
    # The class attribute: Django replaces async methods on the instance.
    method = getattr(type(test), test._testMethodName)
    with ExitStack() as stack:
        for override in decorators_of(type(test), method):
            stack.enter_context(override)
        state = stack.enter_context(lifespan)
        stack.enter_context(serving_on(lifespan))
        test.addCleanup(stack.pop_all().close)
    return state
