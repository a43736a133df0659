"""The page on types: four checkers, with django-stubs and without."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import commands
from tests.processes import ROOT
from tests.typing.test_checkers import OPTIONS, run

from .sites import HOW_TO, PROGRAMS

pytestmark = [pytest.mark.checkers, pytest.mark.timeout(300)]

PAGE: Final = HOW_TO / "typing.md"


@pytest.fixture(scope="module")
def without_stubs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with all packages of this one but django-stubs."""
    folder = tmp_path_factory.mktemp("without") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (to,) = folder.glob("lib/python*/site-packages")
    left_out = ("django-stubs", "django_stubs", "__editable__", "_editable")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(left_out) and path.suffix != ".pth":
            (to / path.name).symlink_to(path)
    if not (to / "django_lifespan_typed").exists():
        (to / "django_lifespan_typed").symlink_to(ROOT / "django_lifespan_typed")
    return str(folder / "bin" / "python")


@pytest.fixture(params=["with", "without"])
def interpreter(request: pytest.FixtureRequest) -> str:
    if request.param == "with":
        return sys.executable
    python: str = request.getfixturevalue("without_stubs")
    return python


@pytest.mark.parametrize("checker", ["mypy", "pyright", "ty", "pyrefly"])
def test_a_checker_flags_the_mistakes_and_nothing_else(
    checker: str, interpreter: str, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROGRAMS / "typing", site, ignore=ignored)
    (line,) = (line for line in commands(PAGE) if line.startswith(checker))
    program, *arguments = line.split()
    parse, options = OPTIONS[checker]

    ran = run(site, program, *arguments, *options, interpreter)

    flagged = {(Path(file).name, number) for file, number, _ in parse(ran.stdout)}
    marked = {
        (path.name, number)
        for path in (site / "shop").glob("*.py")
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1)
        if text.endswith("# error")
    }
    assert len(marked) == 3
    assert flagged == marked, ran.stdout + ran.stderr


# The page says how these two differ without django-stubs.
DIFFERENT: Final = {
    "mypy": (
        "from django.http import HttpRequest\n\nREQUEST: HttpRequest | None = None\n",
        ["--strict", "--python-executable"],
        '"django.http": module is installed, but missing library stubs',
    ),
    "pyright": (
        'from django.http import HttpResponse\n\nHttpResponse("text")\n',
        ["--pythonpath"],
        'is not assignable to "bytes"',
    ),
}


@pytest.mark.parametrize("checker", DIFFERENT)
def test_a_checker_complains_only_without_stubs(
    checker: str, without_stubs: str, tmp_path: Path
) -> None:
    code, options, message = DIFFERENT[checker]
    (tmp_path / "shop.py").write_text(code, "utf-8")

    with_them = run(tmp_path, checker, "shop.py", *options, sys.executable)
    without = run(tmp_path, checker, "shop.py", *options, without_stubs)

    assert with_them.returncode == 0, with_them.stdout
    assert without.returncode == 1
    assert message in without.stdout
