"""Overrides in pytest: before the start, during a lifespan, and gone after a test."""

from __future__ import annotations

from .conftest import Scratch

pytest_plugins = ["pytester"]

OVERRIDDEN = ["+catalogue", "test", "-catalogue"]

CHECK = """
@pytest.fixture
def fake(override_state):
    return override_state(http, FakeHttp())

def check(state):
    assert state[http].name == state[catalogue].http.name == "fake"
    journal("test")
"""

ASYNC = """
@pytest.mark.{plugin}
async def test_{plugin}_fixture(fake, lifespan):
    check(lifespan.state)

@pytest.mark.{plugin}
@override_state(http, FakeHttp())
async def test_{plugin}_decorator(lifespan):
    check(lifespan.state)

@override_state(http, FakeHttp())
@pytest.mark.{plugin}
async def test_{plugin}_decorator_above_the_mark(lifespan):
    check(lifespan.state)

class Test_{plugin}_methods:
    @pytest.mark.{plugin}
    @override_state(http, FakeHttp())
    async def test_method(self, lifespan):
        check(lifespan.state)
"""

SYNC = """
@pytest.fixture
def anyio_backend():
    return "asyncio"

@override_state(http, FakeHttp())
def test_decorator(lifespan):
    check(lifespan.state)

class TestAutouse:
    @pytest.fixture(autouse=True)
    def override(self, override_state):
        override_state(http, FakeHttp())

    def test_autouse(self, lifespan):
        check(lifespan.state)

@pytest.mark.usefixtures("lifespan")
class MethodTests(SimpleTestCase):
    @override_state(http, FakeHttp())
    async def test_method(self):
        check(current_state())

@pytest.mark.usefixtures("lifespan")
@override_state(http, FakeHttp())
class ClassTests(SimpleTestCase):
    async def test_class(self):
        check(current_state())
"""


def test_a_lifespan_starts_with_the_overrides_of_its_test(scratch: Scratch) -> None:
    plugins = ("anyio", "asyncio")
    tests = [CHECK, SYNC, *(ASYNC.format(plugin=plugin) for plugin in plugins)]

    result = scratch.run("".join(tests), plugins=plugins)

    result.assert_outcomes(passed=12)
    assert scratch.journal == OVERRIDDEN * 12


def test_no_override_outlives_its_test(scratch: Scratch) -> None:
    """Whether it fails or not."""
    result = scratch.run(
        CHECK
        + """
def test_fake(session_lifespan, override_state):
    fake = override_state(http, FakeHttp())
    assert current_state()[http] is fake
    assert current_state()[catalogue].http.name == "real"
    assert override_state(http, FakeHttp()) is current_state()[http] is not fake

def test_real(session_lifespan):
    assert current_state()[http].name == "real"

def test_fails(session_lifespan, override_state):
    override_state(http, FakeHttp())
    raise ValueError

def test_real_again(session_lifespan):
    assert current_state()[http].name == "real"

@pytest.fixture
def broken(fake):
    raise ValueError

@override_state(http, FakeHttp())
def test_decorated(lifespan):
    raise ValueError

def test_fixture(fake, lifespan):
    raise ValueError

def test_broken_fixture(broken, lifespan): ...

@override_state(socket, "fake")
def test_broken_fixture_after_the_start(lifespan, broken): ...

def test_real_at_the_end(lifespan):
    assert lifespan.state[http].name == "real"
    assert lifespan.state[socket] == "socket"
"""
    )

    result.assert_outcomes(passed=4, failed=3, errors=2)
    # The session has one, and so has each test with a lifespan and the real client.
    assert scratch.journal.count("+http") == scratch.journal.count("-http") == 3
