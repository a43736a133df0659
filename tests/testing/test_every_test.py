"""One line that gives every test a lifespan: Django's test runner, and pytest."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from .conftest import HEAD, STARTED, STOPPED, Scratch

pytest_plugins = ["pytester"]

# Test cases as a project has them before it uses this package.
CASES = """
import unittest

from asgiref.sync import async_to_sync
from django.test import LiveServerTestCase, TransactionTestCase
from shop.models import Book
from urllib.request import urlopen


class SyncTests(TestCase):
    def setUp(self):
        self.name = self.client.get("/sync/").content.decode()

    def test_setup(self):
        assert self.name == NAME

    def test_async_view(self):
        assert self.client.get("/fetched/").content.decode() == NAME

    def test_sync_code(self):
        assert async_to_sync(current_state()[catalogue].http.get)() == NAME

    def test_subtests(self):
        for page in ("sync", "fetched"):
            with self.subTest(page=page):
                assert self.client.get(f"/{page}/").content.decode() == NAME

    @unittest.skip("starts nothing")
    def test_skipped(self): ...


class AsyncTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        Book.objects.create(title="Moby-Dick")

    async def test_async(self):
        assert await current_state()[http].get() == NAME
        response = await self.async_client.get("/books/")
        assert response.json() == {"books": ["Moby-Dick"], "http": NAME}


class CommittedTests(TransactionTestCase):
    def test_committed(self):
        Book.objects.create(title="Walden")
        assert self.client.get("/books/").json()["books"] == ["Walden"]


class LiveTests(LiveServerTestCase):
    def test_live(self):
        with urlopen(f"{self.live_server_url}/fetched/") as response:
            assert response.read().decode() == NAME


@override_state(http, FakeHttp())
class ClassTests(SimpleTestCase):
    def test_decorated_class(self):
        assert current_state()[catalogue].http.name == "fake"


class MethodTests(SimpleTestCase):
    @override_state(catalogue, None)
    async def test_decorated_method(self):
        assert current_state()[catalogue] is None


class OwnTests(LifespanTestCase, SimpleTestCase):
    only = (http,)

    async def test_own(self):
        assert await self.state[http].get() == NAME
        assert {*current_state()} == {"http", "socket"} - STARTED_NEVER
"""

PLAIN = """
class PlainTests(unittest.TestCase):
    def test_plain(self):
        with self.assertRaises(LifespanNotRunning):
            current_state()
"""

ISOLATED = """
import unittest


class IsolatedTests(unittest.IsolatedAsyncioTestCase):
    async def test_isolated(self):
        with self.assertRaises(LifespanNotRunning):
            current_state()
"""

REAL = 'NAME = "real"\nSTARTED_NEVER = set()\n' + CASES
FAKE = 'NAME = "fake"\nSTARTED_NEVER = {"socket"}\n' + CASES

RUNNER = """
from typing import Any
from django_lifespan_typed.testing import LifespanTestRunner, override_state
from shop.lifespan import FakeHttp, http, socket

class Fakes(LifespanTestRunner):
    @classmethod
    def overrides(cls) -> list[override_state[Any]]:
        return [override_state(http, FakeHttp())]

class Some(LifespanTestRunner):
    only = (socket,)
"""


def run_in_django(
    scratch: Scratch, tests: str, runner: str, *arguments: str
) -> tuple[int, str]:
    """Run a module with the text *tests*; return the exit code and the output."""
    scratch.write("runners.py", RUNNER)
    scratch.write("test_shop.py", HEAD + tests)
    scratch.write(
        "runner_settings.py", f'from shop.settings import *\nTEST_RUNNER = "{runner}"\n'
    )

    ran = scratch.manage_py_test("test_shop", "--settings=runner_settings", *arguments)

    return ran.returncode, ran.stderr


def times(scratch: Scratch) -> dict[str, int]:
    """Count the starts of each resource; it has shut down as many times."""
    started = Counter(event[1:] for event in scratch.journal if event[0] == "+")
    assert started == Counter(event[1:] for event in scratch.journal if event[0] == "-")
    return dict(started)


OURS = "django_lifespan_typed.testing.LifespanTestRunner"


# Python 3.12.1 does not count the test that is skipped (gh-113267).
def test_the_runner_gives_each_test_a_lifespan(scratch: Scratch) -> None:
    tests = REAL + PLAIN + ISOLATED

    code, output = run_in_django(scratch, tests, OURS, "--shuffle")

    assert code == 0, output
    assert re.search(r"Ran 1[23] tests in .*\n\nOK \(skipped=1\)\n", output), output
    # Not for two tests with decorators, two plain ones and the skipped one.
    assert times(scratch) == {"socket": 8, "http": 8, "catalogue": 8}


def test_the_runner_gives_each_test_a_lifespan_in_parallel(scratch: Scratch) -> None:
    # Processes cannot receive an IsolatedAsyncioTestCase, with any runner.
    code, output = run_in_django(scratch, REAL + PLAIN, OURS, "--parallel=2")

    assert code == 0, output
    assert re.search(r"Ran 1[12] tests in .*\n\nOK \(skipped=1\)\n", output), output
    assert times(scratch) == {"socket": 8, "http": 8, "catalogue": 8}


@pytest.mark.parametrize("arguments", [(), ("--parallel=2",)], ids=["one", "parallel"])
def test_a_runner_may_override_keys_in_every_test(
    arguments: tuple[str, ...], scratch: Scratch
) -> None:
    code, output = run_in_django(scratch, FAKE, "runners.Fakes", *arguments)

    assert code == 0, output
    assert re.search("Ran 1[01] tests", output)
    assert not {"+http", "-http"} & {*scratch.journal}


def test_a_runner_may_start_some_of_the_resources(scratch: Scratch) -> None:
    tests = """
class SocketTests(SimpleTestCase):
    def test_only(self):
        assert {*current_state()} == {"socket"}
"""
    code, output = run_in_django(scratch, tests, "runners.Some")

    assert code == 0, output
    assert scratch.journal == ["+socket", "-socket"]


def test_a_failed_startup_is_an_error_of_each_test(scratch: Scratch) -> None:
    scratch.environment.setenv("BROKEN", "1")
    tests = """
class Tests(SimpleTestCase):
    def test_one(self): ...
    def test_two(self): ...
"""
    code, output = run_in_django(scratch, tests, OURS)

    assert code == 1
    assert "FAILED (errors=2)" in output
    assert "no route to the warehouse" in output
    assert scratch.journal == ["+socket", "-socket"] * 2


# --- pytest

FUNCTIONS = """
def test_function(client):
    assert client.get("/fetched/").content == NAME.encode()


async def test_async(async_client):
    assert await current_state()[http].get() == NAME
    assert (await async_client.get("/fetched/")).content == NAME.encode()


@pytest.mark.django_db
def test_database(client):
    assert client.get("/books/").json() == {"books": [], "http": NAME}

"""

AUTO = "-oasyncio_mode=auto"
PLUGINS = ("django", "asyncio")

# pytest sets up the fixtures of a test that unittest skips.
NOT_SKIPPED = ("-k", "not skipped")


def test_a_setting_of_pytest_gives_each_test_a_lifespan(scratch: Scratch) -> None:
    scratch.write("pytest.ini", "[pytest]\nusefixtures = lifespan\n")
    scratch.write("test_shop.py", HEAD + REAL + ISOLATED + FUNCTIONS)

    result = scratch.run_all(AUTO, *NOT_SKIPPED, plugins=PLUGINS)

    result.assert_outcomes(passed=14, deselected=1)
    # As under Django's runner, and for the three functions.
    assert times(scratch) == {"socket": 11, "http": 11, "catalogue": 11}


def test_a_fixture_before_it_overrides_keys_in_every_test(scratch: Scratch) -> None:
    scratch.write("pytest.ini", "[pytest]\nusefixtures = fakes lifespan\n")
    scratch.write("test_shop.py", HEAD + FAKE + FUNCTIONS)
    scratch.write(
        "conftest.py",
        """
import pytest
from shop.lifespan import FakeHttp, http

@pytest.fixture
def fakes(override_state):
    override_state(http, FakeHttp())
""",
    )

    result = scratch.run_all(AUTO, *NOT_SKIPPED, plugins=PLUGINS)

    result.assert_outcomes(passed=13, deselected=1)
    assert not {"+http", "-http"} & {*scratch.journal}


def test_a_test_that_requests_it_on_trio_is_an_error(
    scratch: Scratch,
) -> None:
    scratch.write("pytest.ini", "[pytest]\nusefixtures = lifespan\n")
    tests = """
def test_sync(lifespan):
    assert lifespan.state is current_state()

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio(): ...

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_with_one(lifespan): ...
"""
    result = scratch.run(tests, plugins=("anyio",))

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*it runs on trio, and resources run on asyncio*"])
    assert scratch.journal == [*STARTED, *STOPPED]


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_every_test_has_one_in_either_mode_of_pytest_asyncio(
    mode: str, scratch: Scratch
) -> None:
    scratch.write("pytest.ini", "[pytest]\nusefixtures = lifespan\n")
    tests = """
def test_sync():
    assert current_state()[http].name == "real"

@pytest.mark.asyncio
async def test_async():
    assert await current_state()[http].get() == "real"
"""
    result = scratch.run(tests, f"-oasyncio_mode={mode}", plugins=("asyncio",))

    result.assert_outcomes(passed=2)
    assert scratch.journal == [*STARTED, *STOPPED] * 2


def test_a_setting_of_pytest_gives_all_tests_one_lifespan(scratch: Scratch) -> None:
    scratch.write("pytest.ini", "[pytest]\nusefixtures = session_lifespan\n")
    tests = """
class Tests(TestCase):
    def test_sync(self):
        assert self.client.get("/fetched/").content == b"real"

    async def test_async(self):
        assert await current_state()[http].get() == "real"

def test_function(client):
    assert client.get("/sync/").content == b"real"

async def test_loop_of_the_test(): ...

@pytest.mark.asyncio(loop_scope="session")
async def test_loop_of_the_session():
    assert await current_state()[http].get() == "real"
"""
    scratch.write("test_shop.py", HEAD + tests + ISOLATED)

    result = scratch.run_all(AUTO, plugins=PLUGINS)

    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(["*asyncio_default_test_loop_scope = session*"])
    # One for sync tests, and one for the event loop of the session.
    assert times(scratch) == {"socket": 2, "http": 2, "catalogue": 2}
