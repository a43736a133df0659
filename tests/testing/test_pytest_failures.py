"""The pytest fixtures where something fails, and where they are not used."""

from __future__ import annotations

import pytest

from .conftest import STARTED, STOPPED, Scratch

pytest_plugins = ["pytester"]

KINDS = """
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


@pytest.mark.parametrize(
    ("variable", "outcomes", "lines", "events"),
    [
        ("", {"passed": 4, "failed": 3}, [], [*STARTED, *STOPPED]),
        (
            "BROKEN",
            {"passed": 1, "errors": 6},
            [
                "E *ConnectionError: no route to the warehouse",
                "E *'http'*",
                'E *shop/lifespan.py:*  @lifespan_resource("http", needs=(socket,))',
            ],
            ["+socket", "-socket"],
        ),
        (
            "STUCK",
            {"passed": 4, "failed": 3, "errors": 6},
            ["E *ConnectionError: the catalogue does not close"],
            [*STARTED, *STOPPED],
        ),
    ],
    ids=["test", "start", "shutdown"],
)
def test_a_failure_is_an_error_of_its_test_and_leaves_nothing(
    variable: str,
    outcomes: dict[str, int],
    lines: list[str],
    events: list[str],
    scratch: Scratch,
) -> None:
    if variable:
        scratch.environment.setenv(variable, "1")

    result = scratch.run(KINDS, plugins=("anyio", "asyncio"))

    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines(lines * 6)
    assert scratch.journal == events * 6


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
# Before 0.17, there is no decorator.
OLDER_ASYNCIO = "import pytest_asyncio\ndel pytest_asyncio.fixture\n"


@pytest.mark.parametrize("version", [OLD_ASYNCIO, OLDER_ASYNCIO], ids=["old", "older"])
def test_an_old_pytest_asyncio_fails_only_tests_that_need_it(
    version: str, scratch: Scratch
) -> None:
    """test_pytest_asyncio.py has the real versions."""
    scratch.write("old_asyncio.py", version)

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


def test_a_run_without_the_fixtures_does_not_notice_the_plugin(
    scratch: Scratch,
) -> None:
    """Here without Django's settings, and with all other plugins."""
    scratch.write("test_plain.py", "def test_plain(): ...\n")
    scratch.environment.delenv("DJANGO_SETTINGS_MODULE")

    result = scratch.run_with_all_plugins("test_plain.py", "--setup-show")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*SETUP*lifespan*")


IMPORTED = """
import sys

def test_imported():
    heavy = {"django.test", "pytest_asyncio", "django_lifespan_typed.testing"}
    assert not heavy.intersection(sys.modules)
"""


def test_the_plugin_imports_no_test_tools(scratch: Scratch) -> None:
    scratch.write("test_imported.py", IMPORTED)

    result = scratch.run_all("test_imported.py")

    result.assert_outcomes(passed=1)
