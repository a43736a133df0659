"""The README, followed to the letter in a scratch folder, and its text on an index."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks
from tests.docs.terminal import Terminal
from tests.processes import ROOT, client, reserved_port, running

README = ROOT / "README.md"
NAME = re.compile(r"# (mysite/\w+\.py)(, at its end)?\n")


@pytest.fixture
def quick_start() -> list[Block]:
    """The blocks that a reader types or pastes, in order."""
    found = blocks(README)
    last = next(i for i, block in enumerate(found) if "make demo" in block.body)
    return found[:last]


@pytest.fixture
def variables() -> dict[str, str | None]:
    """The environment of a reader; the server chooses its port."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDEVMODE": None,
        "PYTHONUNBUFFERED": "1",
        "UVICORN_PORT": "0",
    }


def paste(block: Block, folder: Path) -> str:
    """Write the file that a block shows; return its name."""
    named = NAME.match(block.body)
    assert named, f"{block} does not begin with the name of its file"
    # The README shows only the added settings.
    with (folder / named[1]).open("a" if named[2] else "w", encoding="utf-8") as file:
        file.write(block.body)
    return named[1]


def test_the_quick_start_works_to_the_letter(
    quick_start: list[Block], variables: dict[str, str | None], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # Without a terminal, curl draws a progress bar.
    (home / ".curlrc").write_text("silent\nshow-error\n")
    site = tmp_path / "site"
    site.mkdir()
    pasted = []

    with Terminal(site, {**variables, "CURL_HOME": str(home)}) as terminal:
        for block in quick_start:
            if block.kind == "console":
                terminal.type(block.body, block)
            else:
                pasted.append(paste(block, site))
        output = terminal.interrupt()

    assert "Application shutdown complete." in output
    assert pasted == [
        f"mysite/{name}.py" for name in ("settings", "lifespan", "asgi", "wsgi", "urls")
    ]

    with running("manage.py", "check", folder=site, **variables) as check:
        assert check.wait() == 0, check.output
    assert check.lines == ["System check identified no issues (0 silenced)."]

    port = reserved_port()
    runserver = ("manage.py", "runserver", "--noreload", port)
    with running(*runserver, folder=site, **variables) as server:
        server.until("Starting development server")
        with client(port) as browser:
            assert browser.get("/").text == "The page says: hello\n"


def test_the_two_commands_of_the_readme_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (block,) = [block for block in blocks(README) if "make demo" in block.body]

    targets = re.findall(r"^\$ make (\S+)", block.body, re.MULTILINE)

    assert targets == ["demo", "test"]
    assert all(f"\n{target}: " in makefile for target in targets)


def test_relative_links_of_the_readme_exist() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README.read_text("utf-8"))

    relative = [link for link in links if "://" not in link]
    assert len(relative) > 10
    assert [link for link in relative if not (ROOT / link).exists()] == []
