"""The fixtures beside pytest-django's."""

from __future__ import annotations

import pytest

from .conftest import Scratch

pytest_plugins = ["pytester"]

ALL = ["+socket", "+http", "+catalogue", "-catalogue", "-http", "-socket"]

TESTS = {
    "client": (
        """
def test_client(db, client, lifespan):
    Book.objects.create(title="Moby-Dick")
    assert client.get("/sync/").content == b"real"
    assert client.get("/books/").json() == {"books": ["Moby-Dick"], "http": "real"}
""",
        ("django",),
    ),
    "async-client": (
        """
@pytest.mark.asyncio
async def test_client(transactional_db, async_client, lifespan):
    await Book.objects.acreate(title="Moby-Dick")
    response = await async_client.get("/books/")
    assert response.json() == {"books": ["Moby-Dick"], "http": "real"}
""",
        ("django", "asyncio"),
    ),
    "async-client-anyio": (
        """
@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
async def test_client(async_client, lifespan):
    await Book.objects.acreate(title="Moby-Dick")
    response = await async_client.get("/books/")
    assert response.json() == {"books": ["Moby-Dick"], "http": "real"}
""",
        ("django", "anyio"),
    ),
    "live-server": (
        """
from urllib.request import urlopen

def test_live(lifespan, live_server):
    with urlopen(f"{live_server.url}/sync/") as response:
        assert response.read() == b"real"
    with urlopen(f"{live_server.url}/fetched/") as response:
        assert response.read() == b"real"
""",
        ("django",),
    ),
    "test-case": (
        """
@pytest.mark.usefixtures("lifespan")
class Tests(TestCase):
    async def test_case(self):
        await Book.objects.acreate(title="Moby-Dick")
        response = await self.async_client.get("/books/")
        assert response.json() == {"books": ["Moby-Dick"], "http": "real"}
""",
        ("django", "asyncio"),
    ),
    "test-case-wide": (
        """
@pytest.mark.usefixtures("session_lifespan")
class Tests(TestCase):
    def test_case(self):
        response = self.client.get("/books/")
        assert response.json() == {"books": [], "http": "real"}
""",
        ("django",),
    ),
}


@pytest.mark.parametrize(("tests", "plugins"), TESTS.values(), ids=TESTS)
def test_beside_fixtures_of_pytest_django(
    scratch: Scratch, tests: str, plugins: tuple[str, ...]
) -> None:
    """Views find the resources, on their loop, and the rows of the test."""
    imports = "from shop.models import Book\n"

    result = scratch.run(imports + tests, plugins=plugins)

    result.assert_outcomes(passed=1)
    assert scratch.journal == ALL


ASKS = """
from django_lifespan_typed import Registry, lifespan_resource
from shop.models import Book

@pytest.fixture
def lifespan_registry():
    registry = Registry()

    @lifespan_resource("count", registry=registry)
    async def count():
        yield await Book.objects.acount()
        assert await Book.objects.acount() == 0

    return registry
"""


@pytest.mark.parametrize("fixture", ["db", "transactional_db", "django_db_blocker"])
def test_resources_that_ask_the_database(scratch: Scratch, fixture: str) -> None:
    """The database is there before they start, whatever the order of parameters."""
    allowed = fixture != "django_db_blocker"

    result = scratch.run(
        ASKS
        + f"""
def test_count(lifespan, {fixture}):
    assert lifespan.state["count"] == 0
""",
        plugins=("django",),
    )

    result.assert_outcomes(passed=int(allowed), errors=int(not allowed))
    if not allowed:
        result.stdout.fnmatch_lines(["E *RuntimeError: Database access not allowed*"])
