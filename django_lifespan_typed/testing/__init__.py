"""Test tools: fakes, clients and a test case that have a running lifespan."""

from __future__ import annotations

import unittest
from contextlib import ExitStack
from typing import Any, ClassVar, Protocol, TypeVar

from django.test import AsyncClient, Client

from .._declare.keys import StateKey
from .._declare.plan import keys_only
from .._declare.registry import Registry
from .._runtime.lifespan import Lifespan
from .._runtime.state import LifespanState
from .clients import LifespanAsyncClient, LifespanAwareAsyncClient, LifespanClient
from .live_server import serving_on
from .overriding import OVERRIDES, override_state

__all__ = [
    "LifespanAsyncClient",
    "LifespanAwareAsyncClient",
    "LifespanClient",
    "LifespanTestCase",
    "OverrideState",
    "override_state",
]

T = TypeVar("T")


class OverrideState(Protocol):
    """
    For annotations: what pytest's fixture ``override_state`` is::

        @pytest.fixture
        def http(override_state: OverrideState) -> FakeHTTP:
            fake = FakeHTTP()
            override_state(HTTP, fake)
            return fake

    It overrides as the function of that name does, until the test has ended.
    """

    def __call__(self, key: StateKey[T], value: T, /) -> T:
        """Let *key* name *value*; returns *value*."""
        ...


class LifespanTestCase(unittest.TestCase):
    """
    A mixin for Django's test cases: each test has a running lifespan::

        class SearchTests(LifespanTestCase, TestCase):
            only = (CATALOGUE,)

            async def test_search(self) -> None:
                books = await self.state[CATALOGUE].search("whale")
                response = await self.async_client.get("/search/")

    Test methods, sync or async, and async views run on the loop of the resources.
    ``self.client`` and ``self.async_client`` are over that lifespan, too. It starts in
    ``setUp``, so call ``super().setUp()`` first in one of your own, and stops after
    ``tearDown`` and the cleanups that were added later.

    A factory that asks the database, sync or async, does so on a connection of its own.
    It does not see what the test's transaction has not committed, and SQLite may say
    that a table is locked: use ``TransactionTestCase`` for those, and make the rows
    that they read before ``super().setUp()``.
    """

    only: ClassVar[tuple[StateKey[Any], ...] | None] = None
    """The keys that start, with what they need; all of the registry if None."""

    registry: ClassVar[Registry | None] = None
    """What starts; None for the default registry."""

    client_class: type[Client] = LifespanClient
    async_client_class: type[AsyncClient] = LifespanAsyncClient

    lifespan: Lifespan
    """What runs while a test does."""

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
        # Last: a subtest that has failed is pickled by a parallel test run.
        self.addCleanup(self._forget)
        super().setUp()
        # Of the class: Django puts a sync function in the place of an async method.
        method = getattr(type(self), self._testMethodName)
        self.lifespan = Lifespan(self.registry, only=self.only)
        with ExitStack() as stack:
            for override in getattr(method, OVERRIDES, ()):
                stack.enter_context(override)
            self.state = stack.enter_context(self.lifespan)
            stack.enter_context(serving_on(self.lifespan))
            self.addCleanup(stack.pop_all().close)

    def _forget(self) -> None:
        vars(self).pop("lifespan", None)
        vars(self).pop("state", None)
