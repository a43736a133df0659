"""Fakes in pytest: before the start, while running, and gone after the test."""

from __future__ import annotations

import pytest

from .conftest import Scratch

pytest_plugins = ["pytester"]

FAKED = ["+catalogue", "test", "-catalogue"]

FIXTURE = """
@pytest.fixture
def fake(override_state):
    return override_state(http, FakeHttp())

{mark}
async def test_fake(fake, lifespan):
    assert lifespan.state[http] is fake
    assert lifespan.state[catalogue].http is fake
    journal("test")
"""

DECORATED = """
{mark}
@override_state(http, FakeHttp())
async def test_fake(lifespan):
    assert lifespan.state[http].name == "fake"
    assert await lifespan.state[catalogue].http.get() == "fake"
    journal("test")
"""

METHOD = """
class TestShop:
    {mark}
    @override_state(http, FakeHttp())
    async def test_fake(self, lifespan):
        assert await lifespan.state[catalogue].http.get() == "fake"
        journal("test")
"""

OVER_MARK = """
@override_state(http, FakeHttp())
{mark}
async def test_fake(lifespan):
    assert await lifespan.state[catalogue].http.get() == "fake"
    journal("test")
"""

TESTS = {
    "fixture": FIXTURE,
    "decorated": DECORATED,
    "method": METHOD,
    "over-mark": OVER_MARK,
}

BACKEND = '\n@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n'


@pytest.mark.parametrize("plugin", ["asyncio", "anyio"])
@pytest.mark.parametrize("tests", TESTS.values(), ids=TESTS)
def test_a_fake_before_the_start(scratch: Scratch, tests: str, plugin: str) -> None:
    """The real factory does not run, nor what only it needs; what needs it has it."""
    backend = BACKEND if plugin == "anyio" else ""

    result = scratch.run(
        backend + tests.replace("{mark}", f"@pytest.mark.{plugin}"), plugins=(plugin,)
    )

    result.assert_outcomes(passed=1)
    assert scratch.journal == FAKED


@pytest.mark.parametrize(
    "tests",
    [
        """
@override_state(http, FakeHttp())
def test_fake(lifespan):
    assert lifespan.state[catalogue].http.name == "fake"
    journal("test")
""",
        """
@pytest.fixture(autouse=True)
def fake(override_state):
    override_state(http, FakeHttp())

def test_fake(lifespan):
    assert lifespan.state[catalogue].http.name == "fake"
    journal("test")
""",
        """
@pytest.mark.usefixtures("lifespan")
class Tests(SimpleTestCase):
    @override_state(http, FakeHttp())
    async def test_fake(self):
        assert current_state()[catalogue].http.name == "fake"
        journal("test")
""",
        """
@pytest.mark.usefixtures("lifespan")
@override_state(http, FakeHttp())
class Tests(SimpleTestCase):
    async def test_fake(self):
        assert current_state()[catalogue].http.name == "fake"
        journal("test")
""",
    ],
    ids=["decorated", "autouse", "test-case", "decorated-test-case"],
)
def test_a_fake_before_the_start_of_a_sync_test(scratch: Scratch, tests: str) -> None:
    """The same for tests that are not async, or that Django makes sync."""
    result = scratch.run(tests)

    result.assert_outcomes(passed=1)
    assert scratch.journal == FAKED


def test_a_fake_while_it_runs(scratch: Scratch) -> None:
    """Called in the test, it lasts to the end of the test, and not longer."""
    result = scratch.run(
        """
def test_fake(module_lifespan, override_state):
    fake = override_state(http, FakeHttp())
    assert current_state()[http] is fake
    assert current_state()[catalogue].http.name == "real"
    assert override_state(http, FakeHttp()) is current_state()[http] is not fake

def test_real(module_lifespan):
    assert current_state()[http].name == "real"

def test_fails(module_lifespan, override_state):
    override_state(http, FakeHttp())
    raise ValueError

def test_real_again(module_lifespan):
    assert current_state()[http].name == "real"
"""
    )

    result.assert_outcomes(passed=3, failed=1)
    assert scratch.journal.count("+http") == 1


def test_no_fake_outlives_a_failure(scratch: Scratch) -> None:
    """Neither of a failing test, nor of a failing start, nor of a failing fixture."""
    result = scratch.run(
        """
@pytest.fixture
def fake(override_state):
    return override_state(http, FakeHttp())

@pytest.fixture
def broken(fake):
    raise ValueError

@override_state(http, FakeHttp())
def test_decorated(lifespan):
    raise ValueError

def test_with_a_fixture(fake, lifespan):
    raise ValueError

def test_with_a_broken_fixture(broken, lifespan): ...

@override_state(socket, "fake")
def test_start(lifespan, broken): ...

def test_real(lifespan):
    assert lifespan.state[http].name == "real"
    assert lifespan.state[socket] == "socket"
"""
    )

    result.assert_outcomes(passed=1, failed=2, errors=2)
    assert scratch.journal[-6:] == [
        *("+socket", "+http", "+catalogue"),
        *("-catalogue", "-http", "-socket"),
    ]


def test_fakes_of_a_parallel_worker(scratch: Scratch) -> None:
    """An override is of its process: other workers of pytest-xdist do not see it."""
    result = scratch.run(
        """
@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_fake(name, override_state, session_lifespan):
    override_state(http, name)
    assert current_state()[http] == name

@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_real(name, session_lifespan):
    assert current_state()[http].name == "real"
""",
        "-n2",
        plugins=("xdist",),
    )

    result.assert_outcomes(passed=8)


@pytest.mark.parametrize("scope", ["", "module_", "session_"])
def test_only_some_of_the_keys(scratch: Scratch, scope: str) -> None:
    """A fixture says which keys start, with what they need."""
    result = scratch.run(
        f"""
@pytest.fixture(scope="session")
def lifespan_only():
    return (http,)

def test_only({scope}lifespan):
    assert {{*{scope}lifespan.state}} == {{"http", "socket"}}
"""
    )

    result.assert_outcomes(passed=1)
    assert scratch.journal == ["+socket", "+http", "-http", "-socket"]


def test_only_for_one_test(scratch: Scratch) -> None:
    """A class, or a single test, may have keys of its own."""
    result = scratch.run(
        """
class TestHttp:
    @pytest.fixture
    def lifespan_only(self):
        return (http,)

    def test_only(self, lifespan):
        assert {*lifespan.state} == {"http", "socket"}

@pytest.mark.parametrize("lifespan_only", [(socket,)])
def test_less(lifespan):
    assert {*lifespan.state} == {"socket"}

def test_all(lifespan):
    assert {*lifespan.state} == {"http", "socket", "catalogue"}
"""
    )

    result.assert_outcomes(passed=3)


def test_another_registry(scratch: Scratch) -> None:
    """A fixture says which registry starts."""
    result = scratch.run(
        """
from django_lifespan_typed import Registry, lifespan_resource

@pytest.fixture
def lifespan_registry():
    registry = Registry()

    @lifespan_resource("number", registry=registry)
    async def number() -> int:
        return 42

    return registry

def test_other(lifespan):
    assert dict(lifespan.state) == {"number": 42}
"""
    )

    result.assert_outcomes(passed=1)
    assert scratch.journal == []


def test_fixtures_that_stand_on_it(scratch: Scratch) -> None:
    """What asks for the lifespan is set up after its start and ends before its stop."""
    result = scratch.run(
        """
import pytest_asyncio

@pytest.fixture
def before():
    journal("+before")
    yield
    journal("-before")

@pytest_asyncio.fixture
async def books(lifespan):
    journal("+books")
    yield await lifespan.state[http].get()
    assert await lifespan.state[http].get() == "real"
    journal("-books")

@pytest.mark.asyncio
async def test_books(before, books):
    assert books == "real"
""",
        plugins=("asyncio",),
    )

    result.assert_outcomes(passed=1)
    assert scratch.journal == [
        *("+before", "+socket", "+http", "+catalogue", "+books"),
        *("-books", "-catalogue", "-http", "-socket", "-before"),
    ]
