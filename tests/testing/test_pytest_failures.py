"""The pytest fixtures where something fails, and where they are not used."""

from __future__ import annotations

from .conftest import STARTED, STOPPED, Scratch

pytest_plugins = ["pytester"]

KINDS = """
@pytest.fixture(autouse=True, params=["OK", "BROKEN", "STUCK"])
def fault(request, monkeypatch):
    monkeypatch.setenv(request.param, "1")

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_sync_fails(lifespan):
    assert lifespan.state[http].name == "fake"

def test_sync(lifespan):
    assert lifespan.state[http].name == "real"

@pytest.mark.asyncio
async def test_asyncio_fails(lifespan):
    assert lifespan.state[http].name == "fake"

@pytest.mark.asyncio
async def test_asyncio(lifespan):
    assert current_state() is lifespan.state

@pytest.mark.anyio
async def test_anyio_fails(lifespan):
    assert lifespan.state[http].name == "fake"

@pytest.mark.anyio
async def test_anyio(lifespan):
    assert current_state() is lifespan.state

def test_no_lifespan_is_left():
    with pytest.raises(LifespanNotRunning):
        current_state()
"""


def test_a_failure_is_an_error_of_its_test_and_leaves_nothing(scratch: Scratch) -> None:
    result = scratch.run(KINDS, plugins=("anyio", "asyncio"))

    # Each kind of test has an error if its resource is broken, and one if it is stuck.
    result.assert_outcomes(passed=9, failed=6, errors=12)
    broken = [
        "E *ConnectionError: no route to the warehouse",
        "E *'http'*",
        'E *shop/lifespan.py:*  @lifespan_resource("http", needs=(socket,))',
    ]
    stuck = ["E *ConnectionError: the catalogue does not close"]
    result.stdout.fnmatch_lines((broken + stuck) * 6)
    served = [*STARTED, *STOPPED]
    assert scratch.journal == [*served, "+socket", "-socket", *served] * 6


REFUSED = """
@pytest.mark.anyio
async def test_anyio(lifespan):
    assert await lifespan.state[http].get() == "real"

async def test_unmarked(lifespan): ...

@pytest.mark.asyncio
async def test_short_loop(session_lifespan): ...

@pytest.mark.usefixtures("lifespan")
class Tests(unittest.IsolatedAsyncioTestCase):
    async def test_isolated(self): ...
"""

REFUSALS = {
    "trio": """\
test_anyio[[]trio[]] cannot use the fixture lifespan: it runs on trio, and resources \
run on asyncio
Write, in the module or in conftest.py:
    @pytest.fixture(scope="function")
    def anyio_backend():
        return "asyncio\"""",
    "unmarked": """\
test_unmarked cannot use the fixture lifespan: it is async, and neither \
pytest-asyncio nor anyio runs it
Mark it with @pytest.mark.asyncio or @pytest.mark.anyio, and install the plugin of \
that name.""",
    "short loop": """\
test_short_loop cannot use the fixture session_lifespan: its event loop is closed \
earlier, for its loop_scope is 'function'
Write: @pytest.mark.asyncio(loop_scope="session"), or set \
asyncio_default_test_loop_scope = session for all tests.""",
    "isolated": """\
test_isolated cannot use the fixture lifespan: unittest runs it on an event loop \
that fixtures cannot use
Write: async with Lifespan() as state: in asyncSetUp or the test, or derive from \
LifespanTestCase and Django's TestCase.""",
}


def test_a_test_on_another_event_loop_is_refused(scratch: Scratch) -> None:
    """anyio runs its test on asyncio too, which passes."""
    result = scratch.run(REFUSED, plugins=("anyio", "asyncio"))

    result.assert_outcomes(passed=1, errors=4)
    for lines in REFUSALS.values():
        result.stdout.fnmatch_lines(lines.splitlines(), consecutive=True)
    assert scratch.journal == [*STARTED, *STOPPED]


OLD_ASYNCIO = """
import pytest, pytest_asyncio

def fixture(function=None, **options):
    return pytest.fixture(function, **options)

pytest_asyncio.fixture = fixture
"""


def test_an_old_pytest_asyncio_fails_only_tests_that_need_it(scratch: Scratch) -> None:
    """test_pytest_asyncio.py has the real versions."""
    scratch.write("old_asyncio.py", OLD_ASYNCIO)

    result = scratch.run(
        """
def test_sync(lifespan): ...

@pytest.mark.asyncio
async def test_without(): ...

@pytest.mark.asyncio
async def test_with(lifespan): ...
""",
        plugins=("asyncio", "old_asyncio"),
    )

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*pytest-asyncio is missing or older than 0.24"])


IMPORTED = """
import sys

def test_imported():
    heavy = {"django.test", "pytest_asyncio", "django_lifespan_typed.testing"}
    assert not heavy.intersection(sys.modules)
"""


def test_a_run_without_the_fixtures_does_not_notice_the_plugin(
    scratch: Scratch,
) -> None:
    scratch.write("test_imported.py", IMPORTED)

    result = scratch.run_all("test_imported.py", "--setup-show")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*SETUP*lifespan*")
