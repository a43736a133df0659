"""The files of the wheel and the sdist, and the metadata."""

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

from .conftest import Distribution

# The first test builds the distributions.
pytestmark = pytest.mark.timeout(300)

TOP = f"django_lifespan_typed-{__version__}"
INFO = f"{TOP}.dist-info"


def sources(root: Path, *folders: str) -> set[str]:
    """The files below *folders*, relative to *root*."""
    return {
        str(path.relative_to(root))
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def metadata(distribution: Distribution) -> Message:
    return message_from_bytes(contents(distribution.wheel)[f"{INFO}/METADATA"])


def test_the_wheel_has_the_package_and_nothing_else(distribution: Distribution) -> None:
    found = contents(distribution.wheel)

    assert distribution.wheel.name == f"{TOP}-py3-none-any.whl"
    assert found.keys() == sources(distribution.source, "django_lifespan_typed") | {
        f"{INFO}/METADATA",
        f"{INFO}/RECORD",
        f"{INFO}/WHEEL",
        f"{INFO}/entry_points.txt",
        f"{INFO}/licenses/LICENSE",
    }
    assert found[f"{INFO}/entry_points.txt"].decode() == (
        "[pytest11]\ndjango_lifespan_typed = django_lifespan_typed.pytest_plugin\n"
    )
    assert "django_lifespan_typed/py.typed" in found
    assert "django_lifespan_typed/templates/django_lifespan_typed/status.html" in found


def test_the_sdist_has_everything_to_run_the_tests(distribution: Distribution) -> None:
    with tarfile.open(distribution.sdist) as archive:
        found = {name.removeprefix(f"{TOP}/") for name in archive.getnames()}

    folders = ("django_lifespan_typed", "example_site", "stubs", "tests")
    assert {name for name in found if name.startswith(folders)} == sources(
        distribution.source, *folders
    )
    top = {name.partition("/")[0] for name in found}
    assert top - {*folders, "docs"} == {
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
    }


def test_the_metadata_has_the_license_readme_and_dependencies(
    metadata: Message,
) -> None:
    assert metadata["Name"] == "django-lifespan-typed"
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    required = metadata.get_all("Requires-Dist") or []
    assert {name for name in required if "extra ==" not in name} == {
        "asgiref>=3.8",
        "django!=5.0.0,!=5.0.1,!=5.0.2,>=4.2",
        "exceptiongroup>=1.1; python_version < '3.11'",
        "typing-extensions>=4.6",
    }


def test_the_readme_has_no_link_that_breaks_on_a_package_index(
    metadata: Message,
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = str(metadata.get_payload())

    links = re.findall(r"\]\(([^)]*)\)", shown)
    assert [link for link in links if not link.startswith("https://")] == []
    # The code and the headings are the same.
    for part in (r"^```.*?^```", "^#.*?$"):
        expected = re.findall(part, readme, re.DOTALL | re.MULTILINE)
        assert re.findall(part, shown, re.DOTALL | re.MULTILINE) == expected


def test_the_classifiers_are_the_versions_of_the_matrix(metadata: Message) -> None:
    classifiers = "\n".join(metadata.get_all("Classifier") or [])

    matrix = (ROOT / ".ci" / "noxfile.py").read_text("utf-8")
    supported = dict(re.findall(r'"(3\.\d+)": \((.*?)\)', matrix))
    djangos = {
        name for row in supported.values() for name in re.findall(r"\d\.\d", row)
    }
    assert set(re.findall(r"Python :: (3\.\d+)", classifiers)) == set(supported)
    assert set(re.findall(r"Django :: (\d\.\d)", classifiers)) == djangos


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("twine", "check", "--strict"), id="twine"),
        pytest.param(("check_wheel_contents",), id="check-wheel-contents"),
    ],
)
def test_a_linter_of_distributions_finds_nothing(
    distribution: Distribution, command: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command, str(distribution.wheel)],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONDEVMODE": "", "PATH": "", "NO_COLOR": "1"},
    )

    assert done.returncode == 0, done.stdout + done.stderr
