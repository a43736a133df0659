"""The files in the wheel and the sdist, and what the metadata says."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from django_lifespan_typed import __version__
from tests.processes import ROOT

from .conftest import Distribution, build

# A test beside the distributions: the first builds them, in an environment made for it.
pytestmark = pytest.mark.timeout(300)

INFO = f"django_lifespan_typed-{__version__}.dist-info"
TOP = f"django_lifespan_typed-{__version__}"


def sources(root: Path, *folders: str) -> set[str]:
    """The files below *folders* of *root*, as paths from there."""
    return {
        str(path.relative_to(root))
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def contents(wheel: Path) -> dict[str, bytes]:
    """What each file in *wheel* holds."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def metadata(distribution: Distribution) -> Message:
    """The wheel's METADATA."""
    return message_from_bytes(contents(distribution.wheel)[f"{INFO}/METADATA"])


def test_the_wheel_is_the_package_and_nothing_else(distribution: Distribution) -> None:
    """Typed marker and templates are in it; tests, stubs, docs and example are not."""
    found = set(contents(distribution.wheel))

    assert found == sources(distribution.source, "django_lifespan_typed") | {
        f"{INFO}/METADATA",
        f"{INFO}/RECORD",
        f"{INFO}/WHEEL",
        f"{INFO}/entry_points.txt",
        f"{INFO}/licenses/LICENSE",
    }
    assert "django_lifespan_typed/py.typed" in found
    assert "django_lifespan_typed/templates/django_lifespan_typed/status.html" in found


def test_the_wheel_is_pure_python(distribution: Distribution) -> None:
    """One wheel is for every Python 3 and machine."""
    assert distribution.wheel.name == f"{TOP}-py3-none-any.whl"


def test_the_sdist_has_what_a_packager_tests_with(distribution: Distribution) -> None:
    """Package, tests, example, stubs, docs; no environment, build, cache, nor CI."""
    with tarfile.open(distribution.sdist) as archive:
        found = {name.removeprefix(f"{TOP}/") for name in archive.getnames()}

    folders = ("django_lifespan_typed", "example_site", "stubs", "tests")
    assert {name for name in found if name.startswith(folders)} == sources(
        distribution.source, *folders
    )
    assert {name for name in found if "/" not in name} == {
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
    }
    assert {name.partition("/")[0] for name in found if "/" in name} == {
        *folders,
        "docs",
    }


def test_a_second_build_makes_the_same_wheel(
    distribution: Distribution, tmp_path: Path
) -> None:
    """Built from the sources, not from the sdist, it is the same to the byte."""
    build(distribution.source, tmp_path, "--wheel")

    again = (tmp_path / distribution.wheel.name).read_bytes()
    assert again == distribution.wheel.read_bytes()


def test_the_metadata_says_what_it_is(metadata: Message) -> None:
    """Name, version, Python, licence, and the README as the description."""
    assert metadata["Name"] == "django-lifespan-typed"
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text("utf-8")


def test_the_dependencies_are_four(metadata: Message) -> None:
    """Without an extra: Django, asgiref, typing-extensions, one of Python 3.10's."""
    wanted = metadata.get_all("Requires-Dist") or []

    assert {name for name in wanted if "extra ==" not in name} == {
        "asgiref>=3.8",
        "django!=5.0.0,!=5.0.1,!=5.0.2,>=4.2",
        "exceptiongroup>=1.1; python_version < '3.11'",
        "typing-extensions>=4.6",
    }


def test_the_classifiers_name_what_the_matrix_runs(metadata: Message) -> None:
    """Each Python and Django there, and no other."""
    said = "\n".join(metadata.get_all("Classifier") or [])

    matrix = (ROOT / ".ci" / "noxfile.py").read_text("utf-8")
    supported = dict(re.findall(r'"(3\.\d+)": \((.*?)\)', matrix))
    djangos = {
        name for row in supported.values() for name in re.findall(r"\d\.\d", row)
    }
    assert set(re.findall(r"Python :: (3\.\d+)", said)) == set(supported)
    assert set(re.findall(r"Django :: (\d\.\d)", said)) == djangos
    assert "Typing :: Typed" in said


def test_pytest_finds_the_plugin(distribution: Distribution) -> None:
    """The one entry point."""
    points = contents(distribution.wheel)[f"{INFO}/entry_points.txt"].decode()

    assert points == (
        "[pytest11]\ndjango_lifespan_typed = django_lifespan_typed.pytest_plugin\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("twine", "check", "--strict"), id="twine"),
        pytest.param(("check_wheel_contents",), id="check-wheel-contents"),
    ],
)
def test_a_judge_of_distributions_finds_no_fault(
    distribution: Distribution, command: tuple[str, ...]
) -> None:
    """An index would take it and show its README; each file is where it should be."""
    done = subprocess.run(
        [sys.executable, "-m", *command, str(distribution.wheel)],
        check=False,
        capture_output=True,
        text=True,
        # Of theirs, a warning is not ours to mend.
        env={"PYTHONDEVMODE": "", "PATH": "", "NO_COLOR": "1"},
    )

    assert done.returncode == 0, done.stdout + done.stderr
