"""Fixtures where something fails: nothing leaks, and the report says what it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import environment

from .conftest import Scratch

pytest_plugins = ["pytester"]

CLOSED = ["-catalogue", "-http", "-socket"]

FAILING = """
def test_fails(lifespan):
    assert lifespan.state[http].name == "fake"

def test_goes_on(lifespan):
    assert lifespan.state[http].name == "real"
    assert running.loops() == [lifespan.loop]

def test_nothing_is_left():
    assert running.loops() == []
"""

SPELLED = {
    "sync": (FAILING, (), ()),
    "asyncio": (
        FAILING.replace("def", "async def"),
        ("asyncio",),
        ("-oasyncio_mode=auto",),
    ),
    "anyio": (
        "pytestmark = pytest.mark.anyio\n"
        '@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n'
        + FAILING.replace("def", "async def"),
        ("anyio",),
        (),
    ),
}

spelled = pytest.mark.parametrize(
    ("tests", "plugins", "options"), SPELLED.values(), ids=SPELLED
)


@spelled
def test_a_failing_test_leaves_nothing(
    scratch: Scratch, tests: str, plugins: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """Its lifespan is closed, and the next test has a fresh one."""
    result = scratch.run(tests, *options, plugins=plugins)

    result.assert_outcomes(passed=2, failed=1)
    assert scratch.journal[3:] == [*CLOSED, "+socket", "+http", "+catalogue", *CLOSED]


@spelled
def test_a_failing_start_is_an_error_of_the_test(
    scratch: Scratch, tests: str, plugins: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """The report has the resource's error, its name and where it was declared."""
    scratch.set(BROKEN="1")

    result = scratch.run(tests, *options, plugins=plugins)

    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "E *ConnectionError: no route to the warehouse",
            "E *while starting lifespan resource 'http'",
            'E *shop/lifespan.py:*  @lifespan_resource("http", needs=(socket,))',
        ]
    )
    assert scratch.journal == ["+socket", "-socket"] * 2


@spelled
def test_a_failing_stop_is_an_error_of_the_test(
    scratch: Scratch, tests: str, plugins: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """All else is closed all the same, and the next test has a fresh lifespan."""
    scratch.set(STUCK="1")

    result = scratch.run(tests, *options, plugins=plugins)

    result.assert_outcomes(passed=2, failed=1, errors=2)
    result.stdout.fnmatch_lines(["E *ConnectionError: the catalogue does not close"])
    assert scratch.journal.count("-socket") == 2


def refusal(name: str, problem: str, *remedy: str) -> list[str]:
    """The lines of a test that cannot have the fixture."""
    return [f"{name} cannot have the fixture lifespan: {problem}", *remedy]


TRIO = refusal(
    "test_async[[]trio[]]",
    "it runs on trio, and resources run on asyncio",
    "Write, in the module or in conftest.py:",
    '    @pytest.fixture(scope="function")',
    "    def anyio_backend():",
    '        return "asyncio"',
)


def test_trio_is_told_what_to_write(scratch: Scratch) -> None:
    """Anyio's plugin runs a test on each backend: one is right, one is explained."""
    result = scratch.run(
        """
@pytest.mark.anyio
async def test_async(lifespan):
    assert await lifespan.state[http].get() == "real"
""",
        plugins=("anyio",),
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(TRIO, consecutive=True)


def test_what_nobody_runs_is_told_who_would(scratch: Scratch) -> None:
    """A test that is async for pytest alone is not given resources of another loop."""
    result = scratch.run("async def test_async(lifespan): ...\n")

    assert result.ret != 0
    result.stdout.fnmatch_lines(
        refusal(
            "test_async",
            "it is async, and neither pytest-asyncio nor anyio runs it",
            "Mark it with @pytest.mark.asyncio or @pytest.mark.anyio, and install the "
            "plugin of that name.",
        ),
        consecutive=True,
    )
    assert scratch.journal == []


def test_isolated_test_cases_are_told_what_to_write(scratch: Scratch) -> None:
    """They run on a loop of unittest's, which is made after the fixtures."""
    result = scratch.run(
        """
import unittest

@pytest.mark.usefixtures("lifespan")
class Tests(unittest.IsolatedAsyncioTestCase):
    async def test_async(self): ...
"""
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        refusal(
            "test_async",
            "unittest runs it on an event loop that no fixture can reach",
            "Write: async with Lifespan() as state: in asyncSetUp or the test, or "
            "derive from LifespanTestCase and Django's TestCase.",
        ),
        consecutive=True,
    )


def test_inert_where_it_is_not_used(scratch: Scratch) -> None:
    """A project without Django's settings is tested as if the plugin were not there."""
    (scratch.folder / "test_plain.py").write_text("def test_plain(): ...\n")
    scratch.unset("DJANGO_SETTINGS_MODULE")

    result = scratch.run_with_all(scratch.folder / "test_plain.py", "--setup-show")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*SETUP*lifespan*")


IMPORTING = """
import sys
import django_lifespan_typed.pytest_plugin
import django_lifespan_typed.testing.pytest_fixtures
from django.conf import settings
heavy = {"django.test", "pytest_asyncio", "django_lifespan_typed.testing"}
print(settings.configured, heavy.intersection(sys.modules))
"""


def test_the_plugin_is_light() -> None:
    """What every run imports reads no settings, and brings no test tools."""
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTING],
        env=environment(),
        capture_output=True,
        check=True,
        text=True,
    )

    assert ran.stdout == "False set()\n"
