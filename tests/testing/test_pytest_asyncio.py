"""The pytest plugin beside real versions of pytest-asyncio, in throw-away venvs."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import Scratch

pytest_plugins = ["pytester"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.version_info >= (3, 14), reason="these versions do not support this Python"
    ),
]


class Asyncio(NamedTuple):
    """A Python with a version of pytest-asyncio."""

    python: Path
    version: str

    @property
    def has_loop_scopes(self) -> bool:
        return self.version == "0.24"


@pytest.fixture(
    scope="module",
    params=[
        ("0.21", "pytest<8"),  # which it does not demand itself
        ("0.23", "pytest"),
        ("0.24", "pytest"),
    ],
    ids=lambda versions: versions[0],
)
def asyncio(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Asyncio:
    version, runner = request.param
    folder = tmp_path_factory.mktemp("asyncio")
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"pytest-asyncio=={version}.*", runner], check=True)
    # Everything else comes from the environment of this test.
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return Asyncio(python, version)


@pytest.fixture(autouse=True)
def _environment(asyncio: Asyncio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(asyncio.python))


WITHOUT = """
import pytest_asyncio

@pytest_asyncio.fixture
async def number():
    yield 1

def test_sync():
    assert pytest_asyncio.__version__.startswith(VERSION)

@pytest.mark.asyncio
async def test_async(number):
    assert number == 1

async def test_auto(number):
    assert number == 1

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_anyio(): ...
"""


def test_a_run_that_does_not_use_the_plugin_passes(
    asyncio: Asyncio, scratch: Scratch
) -> None:
    tests = f"VERSION = {asyncio.version!r}\n{WITHOUT}"

    result = scratch.run(tests, "--asyncio-mode=auto", plugins=("anyio", "asyncio"))

    result.assert_outcomes(passed=4)
    assert scratch.journal == []


WITH = """
def test_sync(lifespan):
    assert lifespan.call(lifespan.state[http].get) == "real"

def test_sync_in_the_session(session_lifespan):
    assert session_lifespan.call(current_state()[http].get) == "real"

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_anyio(lifespan):
    assert await lifespan.state[http].get() == "real"

@pytest.mark.asyncio
async def test_asyncio_fails():
    raise ValueError
"""

ASYNCIO = """
@pytest.mark.asyncio
async def test_asyncio(lifespan):
    assert await lifespan.state[http].get() == "real"
"""

TOO_OLD = """\
test_asyncio cannot use the fixture lifespan: it is an asyncio test, and \
pytest-asyncio is missing or older than 0.24
Run: pip install --upgrade "pytest-asyncio>=0.24"
"""

SESSION = """
@pytest.mark.asyncio(loop_scope="session")
async def test_asyncio_in_the_session(session_lifespan):
    assert await session_lifespan.state[http].get() == "real"
"""


def test_the_fixtures_run_with_what_is_there(
    asyncio: Asyncio, scratch: Scratch
) -> None:
    tests = WITH + ASYNCIO + SESSION * asyncio.has_loop_scopes

    result = scratch.run(tests, plugins=("anyio", "asyncio"))

    if asyncio.has_loop_scopes:
        result.assert_outcomes(passed=5, failed=1)
    else:
        result.assert_outcomes(passed=3, failed=1, errors=1)
        result.stdout.fnmatch_lines(
            TOO_OLD.splitlines(),
            consecutive=True,
        )
    assert scratch.journal.count("+http") == scratch.journal.count("-http") >= 3


def test_an_unmarked_test_in_auto_mode_is_an_asyncio_test(
    asyncio: Asyncio, scratch: Scratch
) -> None:
    result = scratch.run(
        "async def test_auto(lifespan): ...",
        "--asyncio-mode=auto",
        plugins=("asyncio",),
    )

    if asyncio.has_loop_scopes:
        result.assert_outcomes(passed=1)
    else:
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*pytest-asyncio is missing or older than 0.24"])
