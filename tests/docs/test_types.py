"""The programs of the tutorial, checked as strictly as the package itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.processes import LIMIT, ROOT

from .test_tutorial import STEPS, program

pytestmark = [pytest.mark.checkers, pytest.mark.timeout(300)]

# Neither reads the settings of this repository.
MYPY: Final = ("-m", "mypy", "--strict", "--config-file", "mypy.ini", "mysite")
PYRIGHT: Final = ("-m", "pyright", "--pythonpath", sys.executable)


@pytest.fixture(params=STEPS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a step's program, as a package."""
    shutil.copytree(program(request.param) / "mysite", tmp_path / "mysite")
    (tmp_path / "mysite" / "__init__.py").touch()
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\n")
    (tmp_path / "pyrightconfig.json").write_text(
        '{"include": ["mysite"], "typeCheckingMode": "strict"}'
    )
    return tmp_path


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_a_step_is_typed(checker: tuple[str, ...], project: Path) -> None:
    """What a newcomer writes has no hole, and no mistake."""
    checked = subprocess.run(
        [sys.executable, *checker],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=4 * LIMIT,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
