"""The tutorial, followed to the letter in a scratch folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.processes import LIMIT, ROOT, reserved_port, start_project

from .pages import DOCS, Block, blocks
from .terminal import SERVICE_PORT, Terminal

TUTORIAL: Final = DOCS / "tutorial"
PROGRAMS: Final = TUTORIAL / "programs"
STEPS: Final = sorted(page.stem for page in TUTORIAL.glob("[0-9]*.md"))
SETTINGS: Final = "mysite/settings.py"


class Project:
    """A scratch folder, with the files that a page tells the reader to write."""

    def __init__(self, folder: Path, service_port: str) -> None:
        self.folder = folder
        self.folder.mkdir()
        self._service_port = service_port
        self._generated = ""

    def begin_after(self, step: str) -> None:
        """Write the project as it is at the end of *step*."""
        start_project(self.folder)
        shutil.copytree(
            PROGRAMS / step / "mysite", self.folder / "mysite", dirs_exist_ok=True
        )
        self.write(PROGRAMS / step / "settings_end.py", SETTINGS)

    def write(self, included: Path, name: str) -> None:
        """Write the file that a page shows as *name*; to the settings, append it."""
        code = included.read_text("utf-8")
        if name == SETTINGS:
            path = self.folder / name
            self._generated = self._generated or path.read_text("utf-8")
            code = code.replace(SERVICE_PORT, self._service_port)
            code = f"{self._generated}\n{code}"
        (self.folder / name).write_text(code, "utf-8")


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str | None]:
    """The environment of a reader; the server chooses its port."""
    home = tmp_path / "home"
    home.mkdir()
    # Without a terminal, curl draws a progress bar.
    (home / ".curlrc").write_text("silent\nshow-error\n")
    return {
        "CURL_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDEVMODE": None,
        "PYTHONUNBUFFERED": "1",
        "UVICORN_PORT": "0",
    }


def start_of_service() -> Block:
    """The block of the first step that starts the book service."""
    (block,) = [
        block
        for block in blocks(TUTORIAL / f"{STEPS[0]}.md")
        if block.kind == "console" and "http.server" in block.body
    ]
    return block


@pytest.mark.parametrize("step", STEPS)
def test_a_step_works_to_the_letter(
    step: str, tmp_path: Path, variables: dict[str, str | None]
) -> None:
    service_port = reserved_port()
    project = Project(tmp_path / "project", service_port)
    position = STEPS.index(step)
    if position:
        project.begin_after(STEPS[position - 1])

    with Terminal(project.folder, variables, service_port) as terminal:
        if position:
            service = start_of_service()
            terminal.type(service.body, service)
        for block in blocks(TUTORIAL / f"{step}.md"):
            if block.kind == "{literalinclude}":
                project.write(block.included, block.options["caption"])
            elif block.kind == "console":
                terminal.type(block.body, block)
            else:
                raise AssertionError(f"{block} is neither a file nor a command")

    for file in (PROGRAMS / step).glob("mysite/*.py"):
        written = project.folder / "mysite" / file.name
        assert written.read_text("utf-8") == file.read_text("utf-8")


def test_each_step_has_a_program() -> None:
    assert sorted(path.name for path in PROGRAMS.iterdir()) == STEPS


# Neither reads the settings of this repository.
MYPY: Final = ("-m", "mypy", "--strict", "--config-file", "mypy.ini", "steps")
PYRIGHT: Final = ("-m", "pyright", "--pythonpath", sys.executable)


@pytest.mark.checkers
@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_each_step_is_strictly_typed(checker: tuple[str, ...], tmp_path: Path) -> None:
    for number, step in enumerate(STEPS):
        package = tmp_path / "steps" / f"step{number}"
        shutil.copytree(PROGRAMS / step / "mysite", package)
        (package / "__init__.py").touch()
    (tmp_path / "steps" / "__init__.py").touch()
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\n")
    (tmp_path / "pyrightconfig.json").write_text(
        '{"include": ["steps"], "typeCheckingMode": "strict"}'
    )

    checked = subprocess.run(
        [sys.executable, *checker],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=4 * LIMIT,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
