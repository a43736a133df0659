"""The sdist and the wheel, built once from a copy of the working tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pytest

from tests.processes import ROOT

# git ignores these, too.
IGNORED: Final = shutil.ignore_patterns(
    *(".git", ".venv", "build", "dist", "_build", "*_cache", ".hypothesis"),
    *("__pycache__", "*.sqlite3", ".coverage*", "htmlcov"),
)


@final
@dataclass(frozen=True)
class Distribution:
    """An sdist, and a wheel built from that sdist."""

    source: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=IGNORED)

    build = (sys.executable, "-m", "build", "--installer", "uv", "--quiet")
    done = subprocess.run(
        [*build, "--outdir", str(folder), str(source)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Distribution(source, sdist, wheel)
