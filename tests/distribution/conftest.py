"""The distribution, built from a copy of what is there now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pytest

from tests.processes import ROOT


@final
@dataclass(frozen=True)
class Distribution:
    """What `python -m build` makes: an sdist, and a wheel from that sdist."""

    source: Path
    """The copy: nobody edits it while two builds of it are compared."""
    sdist: Path
    wheel: Path


# What git does not have either.
LEFT_OUT: Final = shutil.ignore_patterns(
    *(".git", ".venv", "build", "dist", "_build", "*_cache", ".hypothesis"),
    *("__pycache__", "*.sqlite3", ".coverage*", "htmlcov"),
)
BUILD: Final = (sys.executable, "-m", "build", "--installer", "uv", "--quiet")


def build(source: Path, to: Path, *options: str) -> None:
    """Build *source*, in an environment of the build's own."""
    done = subprocess.run(
        [*BUILD, *options, "--outdir", str(to), str(source)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """The wheel and the sdist, built once."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)

    build(source, folder)

    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Distribution(source, sdist, wheel)
