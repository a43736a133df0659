"""``module_lifespan`` and ``session_lifespan``: one start for many tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from django_lifespan_typed.testing.pytest_loops import _asyncio_loop

from .conftest import Scratch

pytest_plugins = ["pytester"]

TWO = """
{mark}
async def test_first({scope}_lifespan):
    assert {scope}_lifespan.loop is asyncio.get_running_loop()
    assert await {scope}_lifespan.state[http].get() == "real"
    journal("first")

{mark}
async def test_second({scope}_lifespan):
    assert await current_state()[http].get() == "real"
    journal("second")
"""

TWO_SYNC = """
def test_first({scope}_lifespan):
    assert {scope}_lifespan.call({scope}_lifespan.state[http].get) == "real"
    journal("first")

def test_second({scope}_lifespan):
    assert {scope}_lifespan.call({scope}_lifespan.state[http].get) == "real"
    journal("second")
"""

BACKEND = """
@pytest.fixture(scope="{scope}")
def anyio_backend():
    return "asyncio"
"""

OPENED = ["+socket", "+http", "+catalogue"]
CLOSED = ["-catalogue", "-http", "-socket"]
ONCE = [*OPENED, "first", "second", *CLOSED]


@pytest.mark.parametrize("scope", ["module", "session"])
@pytest.mark.parametrize(
    ("tests", "plugins"),
    [
        pytest.param(TWO_SYNC, (), id="sync"),
        pytest.param(
            TWO.replace("{mark}", '@pytest.mark.asyncio(loop_scope="{scope}")'),
            ("asyncio",),
            id="asyncio",
        ),
        pytest.param(
            TWO.replace("{mark}", '@pytest.mark.asyncio(loop_scope="session")'),
            ("asyncio",),
            id="asyncio-wider-loop",
        ),
        pytest.param(
            BACKEND + TWO.replace("{mark}", "@pytest.mark.anyio"),
            ("anyio",),
            id="anyio",
        ),
    ],
)
def test_starts_once(
    scratch: Scratch, tests: str, plugins: tuple[str, ...], scope: str
) -> None:
    """All tests of one loop have one lifespan together."""
    result = scratch.run(tests.replace("{scope}", scope), plugins=plugins)

    result.assert_outcomes(passed=2)
    assert scratch.journal == ONCE


def _with_two_modules(scratch: Scratch, tests: str) -> Path:
    for name in ("test_one", "test_two"):
        (scratch.folder / f"{name}.py").write_text(
            "from shop.journal import journal\nfrom shop.lifespan import http\n" + tests
        )
    return scratch.folder


@pytest.mark.parametrize(
    ("scope", "happened"),
    [
        ("module", [*ONCE, *ONCE]),
        ("session", [*OPENED, *("first", "second") * 2, *CLOSED]),
    ],
)
def test_ends_with_its_scope(scratch: Scratch, scope: str, happened: list[str]) -> None:
    """A module's lifespan is stopped before the next module; a session's is not."""
    result = scratch.run(_with_two_modules(scratch, TWO_SYNC.replace("{scope}", scope)))

    result.assert_outcomes(passed=4)
    assert scratch.journal == happened


MIXED = """
from asgiref.sync import async_to_sync

@pytest.mark.asyncio(loop_scope="session")
async def test_on_the_loop_of_the_session(session_lifespan):
    assert await current_state()[http].get() == "real"
    journal("session")

def test_sync(session_lifespan):
    assert current_state() is session_lifespan.state
    assert async_to_sync(current_state()[http].get)() == "real"
    journal("sync")

@pytest.mark.asyncio(loop_scope="session")
async def test_there_again(session_lifespan):
    assert await current_state()[http].get() == "real"
    journal("session")

@pytest.mark.asyncio
async def test_on_a_loop_of_its_own(lifespan):
    assert await current_state()[http].get() == "real"
    journal("function")
"""


def test_sync_and_async_tests_have_one_each(scratch: Scratch) -> None:
    """A session may mix them: each has the lifespan of its own loop."""
    result = scratch.run(MIXED, plugins=("asyncio",))

    result.assert_outcomes(passed=4)
    assert [event for event in scratch.journal if event[0] not in "+-"] == [
        "session",
        "sync",
        "session",
        "function",
    ]
    assert scratch.journal.count("+http") == 3
    assert scratch.journal.count("-http") == 3


def test_one_test_may_have_both(scratch: Scratch) -> None:
    """The test's own one is what ``current_state()`` reads then."""
    result = scratch.run(
        """
def test_both(session_lifespan, lifespan):
    assert session_lifespan.state[http] is not lifespan.state[http]
    assert current_state() is lifespan.state

def test_one(session_lifespan):
    assert current_state() is session_lifespan.state
"""
    )

    result.assert_outcomes(passed=2)
    assert scratch.journal.count("+http") == scratch.journal.count("-http") == 2


REFUSED = """\
test_first cannot have the fixture module_lifespan: its event loop is closed before: \
its loop_scope is 'function'
Write: @pytest.mark.asyncio(loop_scope="module"), or set \
asyncio_default_test_loop_scope = module for all tests.""".splitlines()


def test_refuses_a_loop_that_ends_before(scratch: Scratch) -> None:
    """What lasts longer than the test's event loop cannot run on it."""
    result = scratch.run(
        TWO.format(scope="module", mark="@pytest.mark.asyncio"), plugins=("asyncio",)
    )

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        REFUSED,
        consecutive=True,
    )
    assert scratch.journal == []


def test_workers_have_one_each(scratch: Scratch) -> None:
    """With pytest-xdist a session is a worker's: each starts, and closes, its own."""
    folder = _with_two_modules(scratch, TWO_SYNC.replace("{scope}", "session"))

    result = scratch.run(folder, "-n2", "--dist=loadfile", plugins=("xdist",))

    result.assert_outcomes(passed=4)
    assert sorted(scratch.journal) == sorted([*ONCE, *ONCE])


def test_before_there_was_an_option_a_loop_is_of_a_function(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-asyncio 0.24 and 0.25 have no ``asyncio_default_test_loop_scope``."""
    # No plugin: pytest-django's, loaded here, would take the database from others.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    config = pytester.parseconfig()
    test = SimpleNamespace(get_closest_marker=lambda _: None)
    request: Any = SimpleNamespace(config=config, node=test)

    assert _asyncio_loop(request, "function") == "function_loop"
