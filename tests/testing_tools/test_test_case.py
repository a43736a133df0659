"""``LifespanTestCase``: each test of a case has a running lifespan."""

from __future__ import annotations

import unittest
from typing import Any

import pytest
from django.test import SimpleTestCase

from django_lifespan_typed import Lifespan, Registry, StateKey, current_state
from django_lifespan_typed.exceptions import InvalidDeclaration
from django_lifespan_typed.testing import LifespanTestCase, override_state
from tests.asgi.places import drawn

from .conftest import Add

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def run_case(case: Any) -> list[tuple[str, str]]:
    """Run every test of a case; the names of those that went wrong, and why."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case)(result)
    return [
        (test.id().rpartition(".")[2], error.splitlines()[-1])
        for test, error in [*result.errors, *result.failures]
    ]


def test_a_test_that_has_run_holds_no_lifespan(add: Add, registry: Registry) -> None:
    """A parallel run pickles it for a subtest that has failed, when it is over."""
    add("http")
    given = registry
    seen: list[Any] = []

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        def setUp(self) -> None:
            super().setUp()
            self.addCleanup(lambda: seen.append(self.state["http"]))

        def test_one(self) -> None:
            seen.append(self.lifespan.state is self.state)

    case = Tests("test_one")
    case.run(unittest.TestResult())

    assert len(seen) == 2
    assert seen[0] is True
    assert not {"lifespan", "state"} & vars(case).keys()


def test_debug_has_the_overrides_of_the_class(add: Add, registry: Registry) -> None:
    """As a debugger runs a test, without a result."""
    http = add("http")
    given = registry
    seen: list[Any] = []

    @override_state(http, "fake")
    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        def test_one(self) -> None:
            seen.append(self.state[http])

    Tests("test_one").debug()

    assert seen == ["fake"]


def test_round_each_test(add: Add, registry: Registry, journal: list[str]) -> None:
    """It is up from ``setUp`` to the cleanups, and fresh for every test."""
    http = add("http")
    given = registry

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        def setUp(self) -> None:
            super().setUp()
            journal.append(f"setUp {self.state[http]}")
            self.addCleanup(lambda: journal.append(f"cleanup {current_state()[http]}"))

        def tearDown(self) -> None:
            journal.append(f"tearDown {current_state()[http]}")

        async def test_1_async(self) -> None:
            journal.append(f"async {current_state()[http]}")

        def test_2_sync(self) -> None:
            journal.append(f"sync {current_state()[http]}")

    assert run_case(Tests) == []

    assert journal == [
        event
        for kind in ("async", "sync")
        for event in (
            "+http",
            "setUp http()",
            f"{kind} http()",
            "tearDown http()",
            "cleanup http()",
            "-http",
        )
    ]


def test_a_failing_test_leaves_nothing(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """Its lifespan is closed, whatever failed: set-up, test or tear-down."""
    add("http")
    given = registry

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        def setUp(self) -> None:
            super().setUp()
            self._fail_in("setUp")

        def tearDown(self) -> None:
            self._fail_in("tearDown")

        def _fail_in(self, place: str) -> None:
            if self._testMethodName == f"test_{place}":
                raise ValueError(place)

        def test_setUp(self) -> None: ...
        def test_tearDown(self) -> None: ...
        async def test_async(self) -> None:
            raise ValueError("async")

        def test_sync(self) -> None:
            raise ValueError("sync")

    assert sorted(run_case(Tests)) == [
        (f"test_{place}", f"ValueError: {place}")
        for place in ("async", "setUp", "sync", "tearDown")
    ]

    assert journal == ["+http", "-http"] * 4


def test_a_failed_start_is_an_error_of_each_test(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """No test runs; what had started is closed."""
    add("broken", add("http"), fails="start")
    given = registry

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        async def test_async(self) -> None:
            journal.append("test")

        def test_sync(self) -> None:
            journal.append("test")

    wrong = run_case(Tests)

    assert [name for name, _ in wrong] == ["test_async", "test_sync"]
    assert journal == ["+http", "+broken", "-http"] * 2


def test_a_failed_stop_is_an_error_of_the_test(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """The test ran, and all else is closed; the next one has a fresh lifespan."""
    add("top", add("http"), fails="stop")
    given = registry

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        def test_1(self) -> None: ...
        def test_2(self) -> None: ...

    assert [name for name, _ in run_case(Tests)] == ["test_1", "test_2"]

    assert journal == ["+http", "+top", "-top", "-http"] * 2


def test_only(add: Add, registry: Registry, journal: list[str]) -> None:
    """A case may start less than all."""
    http = add("http", add("socket"))
    add("other")
    given = registry

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given
        only = (http,)

        def test_it(self) -> None: ...

    assert run_case(Tests) == []

    assert journal == ["+socket", "+http", "-http", "-socket"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_overridden_methods(
    add: Add, registry: Registry, journal: list[str], is_async: bool
) -> None:
    """What decorates a test method is there before the start, as for the class."""
    socket = add("socket")
    http = add("http", socket)
    catalogue = add("catalogue", http)
    given = registry

    def check(test: Any) -> None:
        journal.append(test.state[catalogue])

    async def check_async(test: Any) -> None:
        check(test)

    @override_state(http, "class")
    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given
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


def test_a_lifespan_inside(add: Add, registry: Registry) -> None:
    """A test may start another one; its own is back afterwards."""
    http = add("http")
    given = registry

    class Tests(LifespanTestCase, SimpleTestCase):
        registry = given

        def test_it(self) -> None:
            with Lifespan(given) as state:
                assert current_state() is state is not self.state
            assert current_state() is self.state
            assert self.lifespan.call(self._ask) == "http()"

        async def _ask(self) -> str:
            return current_state()[http]

    assert run_case(Tests) == []


def test_refuses_a_case_with_a_loop_of_its_own() -> None:
    """Its tests would not run on the loop of the resources."""
    with pytest.raises(TypeError) as raised:

        class Tests(LifespanTestCase, unittest.IsolatedAsyncioTestCase): ...

    assert str(raised.value) == (
        "test_refuses_a_case_with_a_loop_of_its_own.<locals>.Tests derives from "
        "LifespanTestCase and from IsolatedAsyncioTestCase, which has an event loop of "
        "its own\n"
        "Write: class Tests(LifespanTestCase, django.test.SimpleTestCase), whose test "
        "methods may be async too."
    )


def test_only_without_its_comma_is_refused_where_it_is_written() -> None:
    """Not in each test, in a module of unittest's."""
    with pytest.raises(InvalidDeclaration) as caught:

        class Tests(LifespanTestCase, SimpleTestCase):  # T1
            only = StateKey[str]("db")  # type: ignore[assignment]

    assert str(caught.value) == (
        "test_only_without_its_comma_is_refused_where_it_is_written.<locals>.Tests "
        f"has only=<StateKey 'db' from {__name__}>, which is not a tuple of keys or "
        "resources\n"
        f"{drawn(__file__, '# T1')}\n"
        "Write: only=(HTTP,) with the comma, and the keys, not their names."
    )
