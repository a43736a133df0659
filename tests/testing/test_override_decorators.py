"""override_state as a decorator of functions and test cases."""

from __future__ import annotations

import asyncio
import inspect
import unittest
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from django.test import (
    LiveServerTestCase,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
)

from django_lifespan_typed import Lifespan, Registry, StateKey, current_state
from django_lifespan_typed.testing import LifespanTestCase, override_state
from tests.journaling import Add

from .conftest import run_case

pytestmark = pytest.mark.usefixtures("nothing_is_left")

HTTP = StateKey[str]("http")
MAIL = StateKey[str]("mail")


@pytest.fixture(autouse=True)
def _resources(add: Add) -> None:
    add("http")
    add("mail")


# --- Functions


def test_a_function_is_overridden_at_each_call(registry: Registry) -> None:
    @override_state(HTTP, "fake")
    def search(word: str, *, exact: bool) -> tuple[str, bool, str]:
        """Search."""
        return word, exact, current_state()[HTTP]

    with Lifespan(registry) as state:
        for exact in (True, False):
            assert search("whale", exact=exact) == ("whale", exact, "fake")
            assert state[HTTP] == "http()"
    assert (search.__name__, search.__doc__) == ("search", "Search.")
    assert [*inspect.signature(search).parameters] == ["word", "exact"]


async def test_an_async_function_is_overridden_while_it_runs(
    registry: Registry,
) -> None:
    @override_state(HTTP, "fake")
    async def search() -> None:
        await asyncio.sleep(0)
        raise ValueError(current_state()[HTTP])

    assert inspect.iscoroutinefunction(search)
    async with Lifespan(registry) as state:
        coroutine = search()
        assert state[HTTP] == "http()"
        with pytest.raises(ValueError, match="fake"):
            await coroutine
        assert state[HTTP] == "http()"


def test_the_innermost_decorator_of_a_key_counts(registry: Registry) -> None:
    @override_state(HTTP, "outer")
    @override_state(HTTP, "inner")
    @override_state(MAIL, "fake")
    def search() -> tuple[str, str]:
        return current_state()[HTTP], current_state()[MAIL]

    with Lifespan(registry):
        assert search() == ("inner", "fake")


# --- Test cases


@pytest.fixture
def seen() -> list[Any]:
    """The values that a test case has read."""
    return []


@pytest.fixture
def base(registry: Registry, seen: list[Any]) -> Any:
    """A test case whose test records two values."""

    class Base(unittest.TestCase):
        def test_it(self) -> None:
            with Lifespan(registry) as state:
                seen.append((state[HTTP], state[MAIL]))

    return Base


CASES: list[Any] = [
    unittest.IsolatedAsyncioTestCase,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    LiveServerTestCase,
    type("Lifespan", (LifespanTestCase, SimpleTestCase), {"only": ()}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_all_steps_of_a_case_are_overridden(
    case: Any, registry: Registry, seen: list[Any]
) -> None:
    def record(step: str) -> None:
        with Lifespan(registry) as state:
            seen.append((step, state[HTTP]))

    @override_state(HTTP, "fake")
    class Tests(case):  # type: ignore[misc]
        available_apps: list[str] | None = []  # nothing to flush

        @classmethod
        def setUpClass(cls) -> None:
            record("setUpClass")
            cls.addClassCleanup(record, "class cleanup")
            super().setUpClass()

        @classmethod
        def tearDownClass(cls) -> None:
            super().tearDownClass()
            record("tearDownClass")

        def setUp(self) -> None:
            super().setUp()
            record("setUp")

        def tearDown(self) -> None:
            record("tearDown")

        def test_sync(self) -> None:
            record("sync")

        async def test_async(self) -> None:
            async with Lifespan(registry) as state:
                seen.append(("async", state[HTTP]))

    assert run_case(Tests) == []

    steps = [step for test in ("async", "sync") for step in ("setUp", test, "tearDown")]
    steps = ["setUpClass", *steps, "tearDownClass", "class cleanup"]
    assert seen == [(step, "fake") for step in steps]
    record("after")
    assert seen[-1] == ("after", "http()")


def case(*bases: Any, **methods: Any) -> Any:
    return type("Case", bases, methods)


def test_the_most_derived_override_counts(base: Any, seen: list[Any]) -> None:
    decorated = override_state(HTTP, "fake")(case(base))
    again = override_state(HTTP, "other")(case(decorated))
    right = override_state(MAIL, "right")(override_state(HTTP, "right")(case(base)))

    for each in (base, decorated, case(decorated), again, case(decorated, right)):
        assert run_case(each) == []

    assert seen == [
        ("http()", "mail()"),
        *(("fake", "mail()"), ("fake", "mail()"), ("other", "mail()")),
        ("fake", "right"),
    ]


def test_a_subclass_is_overridden_from_its_call_of_super(
    registry: Registry, seen: list[Any]
) -> None:
    """As by Django's override_settings."""

    def record() -> None:
        with Lifespan(registry) as state:
            seen.append(state[HTTP])

    @override_state(HTTP, "fake")
    class Base(unittest.TestCase): ...

    class Tests(Base):
        @classmethod
        def setUpClass(cls) -> None:
            record()
            super().setUpClass()
            record()

        def test_it(self) -> None:
            record()

    assert run_case(Tests) == []

    assert seen == ["http()", "fake", "fake"]


def test_a_decorated_base_passes_calls_on_to_mixins(base: Any, seen: list[Any]) -> None:
    class Mixin(unittest.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            seen.append("setUpClass of the mixin")

        def run(self, result: unittest.TestResult | None = None) -> Any:
            seen.append("run of the mixin")
            return super().run(result)

    decorated = override_state(HTTP, "fake")(case(base))
    again = override_state(MAIL, "fake")(case(decorated, Mixin))

    for each in (case(decorated, Mixin), again):
        assert run_case(each) == []

    calls = ["setUpClass of the mixin", "run of the mixin"]
    assert seen == [*calls, ("fake", "mail()"), *calls, ("fake", "fake")]


def test_a_test_suite_without_a_result_is_overridden(
    base: Any, seen: list[Any]
) -> None:
    decorated = override_state(HTTP, "fake")(case(base))

    unittest.defaultTestLoader.loadTestsFromTestCase(decorated).debug()

    assert seen == [("fake", "mail()")]


@pytest.mark.parametrize("error", [ValueError, unittest.SkipTest])
def test_overrides_end_with_a_failing_class(
    error: type[Exception], registry: Registry
) -> None:
    @override_state(HTTP, "fake")
    @override_state(MAIL, "fake")
    class Tests(unittest.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            raise error

        def test_it(self) -> None: ...

    unittest.TestSuite([Tests("test_it")]).run(unittest.TestResult())

    with Lifespan(registry) as state:
        assert dict(state) == {"http": "http()", "mail": "mail()"}


def test_overrides_end_with_a_failing_test_case(registry: Registry) -> None:
    @override_state(HTTP, "fake")
    class Tests(unittest.TestCase):
        def setUp(self) -> None:
            if self._testMethodName == "test_set_up":
                raise ValueError

        def test_set_up(self) -> None: ...
        def test_it(self) -> None:
            raise ValueError

    assert len(run_case(Tests)) == 2

    with Lifespan(registry) as state:
        assert state[HTTP] == "http()"


# --- Refusals


def _generator() -> Generator[None]:
    yield


async def _async_generator() -> AsyncGenerator[None]:
    yield


class _PlainClass: ...


@pytest.mark.parametrize(
    ("decorated", "message"),
    [
        *(
            (function, f"the first line of the generator function {function.__name__}")
            for function in (_generator, _async_generator)
        ),
        (_PlainClass, "functions and TestCase classes, not .*_PlainClass"),
    ],
)
def test_it_refuses_generator_functions_and_other_classes(
    decorated: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        override_state(HTTP, "fake")(decorated)


def test_it_refuses_a_name_instead_of_a_key() -> None:
    name: Any = "http"

    with pytest.raises(TypeError) as raised:
        override_state(name, "fake")

    assert str(raised.value) == (
        "override_state() takes a StateKey or a Resource, not an object of type str\n"
        'Write: KEY = StateKey[SomeType]("some_name"), or use the resource.'
    )
