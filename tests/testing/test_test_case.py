"""LifespanTestCase: each test has a running lifespan."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import pytest
from django.test import SimpleTestCase

from django_lifespan_typed import Registry, StateKey, current_state
from django_lifespan_typed.exceptions import InvalidDeclaration
from django_lifespan_typed.testing import LifespanTestCase, override_state
from tests.journaling import Add

from .conftest import run_case

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture
def base(registry: Registry) -> Any:
    """A test case without tests that starts the registry of the pytest test."""
    return type("Base", (LifespanTestCase, SimpleTestCase), {"registry": registry})


def test_each_test_has_a_lifespan_of_its_own(
    base: Any, add: Add, journal: list[str]
) -> None:
    http = add("http")

    class Tests(base):  # type: ignore[misc]
        def setUp(self) -> None:
            super().setUp()
            journal.append(f"setUp {self.state[http]}")
            self.addCleanup(lambda: journal.append(f"cleanup {current_state()[http]}"))

        def tearDown(self) -> None:
            journal.append(f"tearDown {current_state()[http]}")

        async def test_1(self) -> None:
            journal.append(f"async {current_state()[http]}")

        def test_2(self) -> None:
            journal.append(f"sync {current_state()[http]}")

    assert run_case(Tests) == []

    assert journal == [
        event
        for kind in ("async", "sync")
        for event in (
            *("+http", "setUp http()", f"{kind} http()"),
            *("tearDown http()", "cleanup http()", "-http"),
        )
    ]


def test_a_failing_test_leaves_nothing(base: Any, add: Add, journal: list[str]) -> None:
    add("http")

    class Tests(base):  # type: ignore[misc]
        def setUp(self) -> None:
            super().setUp()
            self._fail_in("setUp")

        def tearDown(self) -> None:
            self._fail_in("tearDown")

        def _fail_in(self, step: str) -> None:
            if self._testMethodName == f"test_{step}":
                raise ValueError(step)

        def test_setUp(self) -> None: ...
        def test_tearDown(self) -> None: ...
        async def test_async(self) -> None:
            raise ValueError("async")

        def test_sync(self) -> None:
            raise ValueError("sync")

    assert sorted(run_case(Tests)) == [
        (f"test_{step}", f"ValueError: {step}")
        for step in ("async", "setUp", "sync", "tearDown")
    ]
    assert journal == ["+http", "-http"] * 4


@pytest.mark.parametrize(
    ("fails", "events"),
    [
        ("start", ["+http", "+top", "-http"]),
        ("stop", ["+http", "+top", "test", "-top", "-http"]),
    ],
)
def test_a_failing_resource_is_an_error_of_each_test(
    fails: str, events: list[str], base: Any, add: Add, journal: list[str]
) -> None:
    add("top", add("http"), fails=fails)

    class Tests(base):  # type: ignore[misc]
        async def test_async(self) -> None:
            journal.append("test")

        def test_sync(self) -> None:
            journal.append("test")

    assert [name for name, _ in run_case(Tests)] == ["test_async", "test_sync"]

    assert journal == events * 2


def test_a_case_may_start_some_of_the_resources(
    base: Any, add: Add, journal: list[str]
) -> None:
    http = add("http", add("socket"))
    add("other")

    class Tests(base):  # type: ignore[misc]
        only = (http,)

        def test_it(self) -> None: ...

    assert run_case(Tests) == []

    assert journal == ["+socket", "+http", "-http", "-socket"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_resources_start_with_the_overrides_of_the_class_and_the_method(
    is_async: bool, base: Any, add: Add, journal: list[str]
) -> None:
    http = add("http", add("socket"))
    catalogue = add("catalogue", http)

    def check(test: Any) -> None:
        journal.append(test.state[catalogue])

    async def check_async(test: Any) -> None:
        check(test)

    @override_state(http, "class")
    class Tests(base):  # type: ignore[misc]
        test_1 = check_async if is_async else check
        test_2 = override_state(http, "method")(test_1)
        test_3 = override_state(catalogue, "outer")(
            override_state(catalogue, "inner")(test_1)
        )

    assert run_case(Tests) == []

    assert journal == [
        *("+catalogue", "catalogue(class)", "-catalogue"),
        *("+catalogue", "catalogue(method)", "-catalogue"),
        "inner",
    ]


def test_a_finished_test_keeps_no_lifespan(base: Any, add: Add) -> None:
    """A parallel run pickles the test of a failed subtest."""
    add("http")
    seen: list[Any] = []

    class Tests(base):  # type: ignore[misc]
        def setUp(self) -> None:
            super().setUp()
            self.addCleanup(lambda: seen.append(self.state["http"]))

        def test_it(self) -> None: ...

    case = Tests("test_it")
    case.run(unittest.TestResult())

    assert seen == ["http()"]
    assert not {"lifespan", "state"} & vars(case).keys()


def test_a_case_with_an_event_loop_of_its_own_is_refused() -> None:
    with pytest.raises(TypeError) as raised:

        class Tests(LifespanTestCase, unittest.IsolatedAsyncioTestCase): ...

    assert str(raised.value) == (
        "test_a_case_with_an_event_loop_of_its_own_is_refused.<locals>.Tests derives "
        "from LifespanTestCase and from IsolatedAsyncioTestCase, which has an event "
        "loop of its own\n"
        "Write: class Tests(LifespanTestCase, django.test.SimpleTestCase), whose test "
        "methods may be async too."
    )


def test_only_is_checked_where_the_class_is_written() -> None:
    with pytest.raises(InvalidDeclaration, match=Path(__file__).name):

        class Tests(LifespanTestCase, SimpleTestCase):
            only = StateKey[str]("db")  # type: ignore[assignment]
