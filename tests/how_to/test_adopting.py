"""The page on adopting: a project with a global and `ready()`, and its tests."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import Block, blocks
from tests.processes import client, running

from .conftest import Site
from .sites import HOW_TO, lay, run, serving

PAGE: Final = "adopting.md"
TEST: Final = "python manage.py test"


@pytest.fixture
def before(site: Site) -> Path:
    """The project before it uses this package."""
    return site("adopting/before", start=None)


def adopt(folder: Path) -> None:
    """Follow the page: new files, and two that go."""
    lay("adopting/after", folder)
    (folder / "mysite" / "clients.py").unlink()
    (folder / "mysite" / "apps.py").unlink()


def run_pytest(folder: Path, *options: str) -> str:
    if "-pno:asyncio" not in options:  # some versions warn without a value
        options += ("-oasyncio_default_fixture_loop_scope=function",)
    arguments = ("-m", "pytest", "-Werror", *options)
    with running(*arguments, folder=folder) as process:
        assert process.wait() == 0, process.output
        return process.output


def test_the_tests_pass_before_and_after(before: Path) -> None:
    assert "Ran 3 tests" in run(PAGE, TEST, before).output

    adopt(before)

    assert "Ran 3 tests" in run(PAGE, TEST, before).output
    assert "3 passed" in run_pytest(before)


def test_fakes_for_every_test(before: Path) -> None:
    adopt(before)
    lay("adopting/fakes", before)

    assert "Ran 2 tests" in run(PAGE, TEST, before).output
    assert "2 passed" in run_pytest(before)


def test_the_resources_start_with_the_server_only(before: Path) -> None:
    adopt(before)
    # A command starts nothing.
    (before / "prices.json").rename(before / "moved.json")
    assert run(PAGE, "python manage.py check", before).output
    (before / "moved.json").rename(before / "prices.json")

    with serving(PAGE, "uvicorn", before) as served:
        with client(served.port) as browser:
            answer = browser.get("/prices/9780141439587")
        served.process.end(signal.SIGTERM)

    assert answer.text == "7.99"
    assert "Application shutdown complete." in served.process.output


def block_with(text: str) -> Block:
    (found,) = [block for block in blocks(HOW_TO / PAGE) if text in block.body]
    return found


def test_code_without_a_request_reads_the_value_by_a_function(before: Path) -> None:
    """The smallest change of many modules that import a global."""
    adopt(before)
    (before / "mysite" / "clients.py").write_text(block_with("def get_client").body)
    books = before / "mysite" / "books.py"
    books.write_text(
        "from .clients import get_client\n\n"
        "async def title_of(isbn: str) -> str:\n"
        '    return (await get_client().get(f"/books/{isbn}")).text\n'
    )

    assert "Ran 3 tests" in run(PAGE, TEST, before).output


def test_the_async_test_of_the_page_runs_in_each_mode(before: Path) -> None:
    adopt(before)
    tests = before / "mysite" / "test_prices.py"
    code = block_with("async def test_price()").body
    tests.write_text(code)
    name = ("mysite/test_prices.py", "-opython_files=test_*.py")

    assert "1 passed" in run_pytest(before, *name, "-oasyncio_mode=auto")
    (before / "conftest.py").write_text(block_with("def anyio_backend").body)
    assert "1 passed" in run_pytest(before, *name, "-oanyio_mode=auto", "-pno:asyncio")
    marked = code.replace("async def", "@pytest.mark.asyncio\nasync def")
    tests.write_text(f"import pytest\n{marked}")
    assert "1 passed" in run_pytest(before, *name)
