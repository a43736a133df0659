"""The tutorial, followed to the letter in a scratch folder, with the built wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

import django_lifespan_typed
from tests.processes import LIMIT, ROOT, running

from .pages import DOCS, blocks
from .terminal import Terminal

TUTORIAL: Final = DOCS / "tutorial"
STEPS: Final = sorted(page.stem for page in TUTORIAL.glob("[0-9]*.md"))
SETTINGS: Final = "mysite/settings.py"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the built package is installed."""
    if not (ROOT / "django_lifespan_typed").exists():  # as in the matrix
        return Path(django_lifespan_typed.__file__).parents[1]
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(
        [sys.executable, *build],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=LIMIT,
    )
    (built,) = folder.glob("*.whl")
    with ZipFile(built) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture
def variables(tmp_path: Path, wheel: Path) -> dict[str, str | None]:
    """The environment of a reader, but for the port and what would get in the way."""
    home = tmp_path / "home"
    home.mkdir()
    # No progress bar: curl draws it where no terminal is.
    (home / ".curlrc").write_text("silent\nshow-error\n")
    return {
        "CURL_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDEVMODE": None,
        "PYTHONPATH": str(wheel),
        "PYTHONUNBUFFERED": "1",
        "UVICORN_PORT": "0",
    }


def program(step: str) -> Path:
    """The folder of the program that a page ends with."""
    return TUTORIAL / "programs" / step


class Project:
    """A scratch folder, and the files that a page has the reader write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self._made = ""

    def begin_after(self, step: str) -> None:
        """Have what the page *step* leaves behind."""
        start = ("-m", "django", "startproject", "mysite", ".")
        with running(*start, folder=self.folder) as started:
            assert started.wait() == 0, started.output
        shutil.copytree(
            program(step) / "mysite", self.folder / "mysite", dirs_exist_ok=True
        )
        self.write(program(step) / "settings_end.py", SETTINGS)

    def write(self, included: Path, name: str) -> None:
        """Write the file that a page shows under *name*; of the settings, the end."""
        code = included.read_text("utf-8")
        if name == SETTINGS:
            self._made = self._made or (self.folder / name).read_text("utf-8")
            code = f"{self._made}\n{code}"
        (self.folder / name).write_text(code, "utf-8")


def test_there_are_six_steps() -> None:
    """Each page has its program, and each program its page."""
    programs = [path.name for path in (TUTORIAL / "programs").iterdir()]

    assert len(STEPS) == 6
    assert sorted(programs) == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_it_works_to_the_letter(
    step: str, tmp_path: Path, variables: dict[str, str | None]
) -> None:
    """What the page writes is written, what it types is typed, and it prints that."""
    project = Project(tmp_path / "project")
    position = STEPS.index(step)
    if position:
        project.begin_after(STEPS[position - 1])

    with Terminal(project.folder, variables) as terminal:
        for block in blocks(TUTORIAL / f"{step}.md"):
            if block.kind == "{literalinclude}":
                project.write(block.included, block.options["caption"])
            elif block.kind == "console":
                terminal.type(block.body, block)
            else:
                raise AssertionError(f"{block} is of no kind that is known here")
        terminal.interrupt()

    for file in program(step).glob("mysite/*.py"):
        written = project.folder / "mysite" / file.name
        assert written.read_text("utf-8") == file.read_text("utf-8")


def test_the_package_that_is_tried_is_the_built_one(
    tmp_path: Path, variables: dict[str, str | None], wheel: Path
) -> None:
    """Not this repository's folder."""
    code = "import django_lifespan_typed; print(django_lifespan_typed.__file__)"

    with running("-c", code, folder=tmp_path, **variables) as python:
        assert python.wait() == 0, python.output

    assert python.lines == [str(wheel / "django_lifespan_typed" / "__init__.py")]
