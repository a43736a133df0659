"""The pytest fixtures lifespan and session_lifespan, on the test's event loop."""

from __future__ import annotations

import pytest

from .conftest import STARTED, STOPPED, Scratch

pytest_plugins = ["pytester"]

ONE_TEST = [*STARTED, "test", *STOPPED]

CHECK = """
from asgiref.sync import async_to_sync

async def check(lifespan):
    assert lifespan.loop is asyncio.get_running_loop()
    assert current_state() is lifespan.state
    assert await lifespan.state[http].get() == "real"
    journal("test")

def check_sync(lifespan):
    assert async_to_sync(lifespan.state[http].get)() == "real"
    assert lifespan.call(current_state()[http].get) == "real"
    journal("test")
"""

BACKEND = """
@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
"""

# Tests that mark themselves, with pytest-asyncio and anyio side by side.
STRICT = """
def test_sync(lifespan):
    check_sync(lifespan)

@pytest.mark.asyncio
async def test_asyncio(lifespan):
    await check(lifespan)

@pytest.mark.asyncio(loop_scope="session")
async def test_session_loop(lifespan):
    await check(lifespan)

@pytest.mark.anyio
async def test_anyio(lifespan):
    await check(lifespan)

class TestMethods:
    @pytest.mark.asyncio(loop_scope="class")
    async def test_class_loop(self, lifespan):
        await check(lifespan)
"""

AUTO = """
def test_sync(lifespan):
    check_sync(lifespan)

async def test_async(lifespan):
    await check(lifespan)
"""


@pytest.mark.parametrize(
    ("tests", "plugins", "options", "count"),
    [
        pytest.param(BACKEND + STRICT, ("anyio", "asyncio"), (), 5, id="strict"),
        pytest.param(
            AUTO,
            ("asyncio",),
            ("-oasyncio_mode=auto", "-oasyncio_default_test_loop_scope=session"),
            2,
            id="asyncio",
        ),
        pytest.param(BACKEND + AUTO, ("anyio",), ("-oanyio_mode=auto",), 2, id="anyio"),
    ],
)
def test_each_test_has_a_lifespan_on_its_event_loop(
    tests: str,
    plugins: tuple[str, ...],
    options: tuple[str, ...],
    count: int,
    scratch: Scratch,
) -> None:
    result = scratch.run(CHECK + tests, *options, plugins=plugins)

    result.assert_outcomes(passed=count)
    assert scratch.journal == ONE_TEST * count


SESSION = """
@pytest.mark.asyncio(loop_scope="session")
async def test_asyncio(session_lifespan):
    await check(session_lifespan)

@pytest.mark.anyio
async def test_anyio(session_lifespan):
    await check(session_lifespan)

def test_sync(session_lifespan):
    check_sync(session_lifespan)
"""

BOTH = """
@pytest.mark.asyncio
async def test_another_loop(lifespan):
    await check(lifespan)

def test_both(session_lifespan, lifespan):
    assert session_lifespan.state[http] is not lifespan.state[http]
    check_sync(lifespan)
"""


def test_a_session_has_one_lifespan_for_each_event_loop(scratch: Scratch) -> None:
    scratch.write("test_first.py", "from test_shop import *\n")

    result = scratch.run(CHECK + BACKEND + SESSION + BOTH, plugins=("anyio", "asyncio"))

    result.assert_outcomes(passed=10)
    # Three for the session, and two for each module.
    assert scratch.journal.count("+http") == scratch.journal.count("-http") == 3 + 4


DATABASE = """
from urllib.request import urlopen
from shop.models import Book

def test_client(db, client, lifespan):
    Book.objects.create(title="Moby-Dick")
    assert client.get("/sync/").content == b"real"
    assert client.get("/books/").json() == {"books": ["Moby-Dick"], "http": "real"}

@pytest.mark.asyncio
async def test_async_client(transactional_db, async_client, lifespan):
    await Book.objects.acreate(title="Moby-Dick")
    response = await async_client.get("/books/")
    assert response.json() == {"books": ["Moby-Dick"], "http": "real"}

@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
async def test_async_client_with_anyio(async_client, lifespan):
    await Book.objects.acreate(title="Moby-Dick")
    response = await async_client.get("/books/")
    assert response.json() == {"books": ["Moby-Dick"], "http": "real"}

def test_live_server(lifespan, live_server):
    for page in ("sync", "fetched"):
        with urlopen(f"{live_server.url}/{page}/") as response:
            assert response.read() == b"real"

@pytest.mark.usefixtures("lifespan")
class TestCaseTests(TestCase):
    async def test_case(self):
        await Book.objects.acreate(title="Moby-Dick")
        response = await self.async_client.get("/books/")
        assert response.json() == {"books": ["Moby-Dick"], "http": "real"}

@pytest.mark.usefixtures("session_lifespan")
class SessionTests(TestCase):
    def test_case(self):
        response = self.client.get("/books/")
        assert response.json() == {"books": [], "http": "real"}
"""


def test_views_use_the_resources_and_the_database_of_the_test(scratch: Scratch) -> None:
    result = scratch.run(BACKEND + DATABASE, plugins=("django", "anyio", "asyncio"))

    result.assert_outcomes(passed=6)
    assert sorted(scratch.journal) == sorted([*STARTED, *STOPPED] * 6)


QUERYING = """
from shop.models import Book

@pytest.fixture
def lifespan_registry():
    registry = Registry()

    @lifespan_resource("count", registry=registry)
    async def count():
        yield await Book.objects.acount()
        assert await Book.objects.acount() == 0

    return registry

def test_db(lifespan, db):
    assert lifespan.state["count"] == 0

def test_transactional_db(lifespan, transactional_db):
    assert lifespan.state["count"] == 0

def test_no_database(lifespan): ...
"""


def test_resources_start_after_the_database_fixtures(scratch: Scratch) -> None:
    """A test that has not asked for the database gets pytest-django's error."""
    result = scratch.run(QUERYING, plugins=("django",))

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["E *RuntimeError: Database access not allowed*"])


SOME = """
@pytest.fixture(scope="session")
def lifespan_only():
    return (http,)

def test_only(lifespan, session_lifespan):
    assert {*lifespan.state} == {*session_lifespan.state} == {"http", "socket"}

class TestSocket:
    @pytest.fixture
    def lifespan_only(self):
        return (socket,)

    def test_class(self, lifespan):
        assert {*lifespan.state} == {"socket"}

@pytest.mark.parametrize("lifespan_only", [None])
def test_parameter(lifespan):
    assert {*lifespan.state} == {"http", "socket", "catalogue"}

class TestRegistry:
    @pytest.fixture
    def lifespan_registry(self):
        registry = Registry()

        @lifespan_resource("number", registry=registry)
        async def number() -> int:
            return 42

        return registry

    @pytest.mark.parametrize("lifespan_only", [None])
    def test_registry(self, lifespan):
        assert dict(lifespan.state) == {"number": 42}
"""


def test_fixtures_name_the_keys_and_the_registry_to_start(scratch: Scratch) -> None:
    scratch.run(SOME).assert_outcomes(passed=4)


DEPENDENT = """
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
"""


def test_fixtures_may_depend_on_the_lifespan(scratch: Scratch) -> None:
    result = scratch.run(DEPENDENT, plugins=("asyncio",))

    result.assert_outcomes(passed=1)
    assert scratch.journal == [
        *("+before", *STARTED, "+books"),
        *("-books", *STOPPED, "-before"),
    ]
