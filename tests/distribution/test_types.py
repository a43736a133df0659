"""The types of the public API, as who has installed the wheel sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .conftest import Distribution

pytestmark = [pytest.mark.checkers, pytest.mark.timeout(300)]


@pytest.fixture
def site_packages(distribution: Distribution, tmp_path: Path) -> Path:
    """Where the wheel is installed, beside the packages of the development."""
    environment = tmp_path / "environment"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", environment], check=True
    )
    (packages,) = environment.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", str(distribution.wheel)], check=True
    )
    # Our own editable install is not followed: only what is in the folder itself is.
    (packages / "development.pth").write_text(sysconfig.get_path("purelib"))
    return packages


def test_pyright_knows_every_public_type(site_packages: Path) -> None:
    """`pyright --verifytypes` names no symbol that is unknown or ambiguous."""
    binaries = site_packages.parents[2] / "bin"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--outputjson", "--ignoreexternal"),
            *("--verifytypes", "django_lifespan_typed"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=site_packages,
        # It asks the first interpreter there.
        env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
    )

    found = json.loads(done.stdout)["typeCompleteness"]
    assert found["pyTypedPath"] == str(
        site_packages / "django_lifespan_typed" / "py.typed"
    )
    assert {
        symbol["name"]: symbol["diagnostics"]
        for symbol in found["symbols"]
        if symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"]
    } == {}
    assert found["completenessScore"] == 1
    assert done.returncode == 0, done.stdout


def test_pyrefly_finds_every_public_symbol_annotated(site_packages: Path) -> None:
    """`pyrefly coverage check --public-only` is at 100 percent."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyrefly", "coverage", "check", "--public-only"),
            *("--python-interpreter-path", sys.executable),
            "django_lifespan_typed/",
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=site_packages,
    )

    assert "type coverage 100.00%" in done.stderr, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
