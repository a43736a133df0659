"""The fixture ``lifespan``: for each kind of test, on that test's own event loop."""

from __future__ import annotations

import pytest

from .conftest import Scratch

pytest_plugins = ["pytester"]

ALL = ["+socket", "+http", "+catalogue", "test", "-catalogue", "-http", "-socket"]

SYNC = """
from asgiref.sync import async_to_sync

def test_sync(lifespan):
    assert async_to_sync(lifespan.state[http].get)() == "real"
    assert lifespan.call(current_state()[http].get) == "real"
    journal("test")
"""

ASYNC = """
{mark}
async def test_async(lifespan):
    assert lifespan.loop is asyncio.get_running_loop()
    assert current_state() is lifespan.state
    assert await lifespan.state[http].get() == "real"
    journal("test")
"""

METHOD = """
class TestShop:
    {mark}
    async def test_method(self, lifespan):
        assert await lifespan.state[http].get() == "real"
        journal("test")
"""

BACKEND = """
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

KINDS = [
    pytest.param(SYNC, (), (), id="sync"),
    pytest.param(
        SYNC, ("asyncio", "anyio"), ("-oasyncio_mode=auto",), id="sync-beside"
    ),
    pytest.param(ASYNC, ("asyncio",), ("-oasyncio_mode=auto",), id="asyncio-auto"),
    pytest.param(
        ASYNC.format(mark="@pytest.mark.asyncio"), ("asyncio",), (), id="asyncio-strict"
    ),
    pytest.param(
        METHOD.format(mark="@pytest.mark.asyncio"),
        ("asyncio",),
        (),
        id="asyncio-method",
    ),
    *(
        pytest.param(
            ASYNC.format(mark=f'@pytest.mark.asyncio(loop_scope="{loop}")'),
            ("asyncio",),
            (),
            id=f"asyncio-{loop}",
        )
        for loop in ("module", "package", "session")
    ),
    pytest.param(
        METHOD.format(mark='@pytest.mark.asyncio(loop_scope="class")'),
        ("asyncio",),
        (),
        id="asyncio-class",
    ),
    pytest.param(
        ASYNC,
        ("asyncio",),
        ("-oasyncio_mode=auto", "-oasyncio_default_test_loop_scope=session"),
        id="asyncio-default",
    ),
    pytest.param(
        BACKEND + ASYNC.format(mark="@pytest.mark.anyio"), ("anyio",), (), id="anyio"
    ),
    pytest.param(BACKEND + ASYNC, ("anyio",), ("-oanyio_mode=auto",), id="anyio-auto"),
    pytest.param(
        BACKEND + METHOD.format(mark="@pytest.mark.anyio"),
        ("anyio", "asyncio"),
        (),
        id="anyio-beside-asyncio",
    ),
]


@pytest.mark.parametrize(("tests", "plugins", "options"), KINDS)
def test_runs_on_the_loop_of_the_test(
    scratch: Scratch, tests: str, plugins: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """Resources work in the test, and are closed after it."""
    result = scratch.run(tests.replace("{mark}", ""), *options, plugins=plugins)

    result.assert_outcomes(passed=1)
    assert scratch.journal == ALL
