"""
The matrix: the built wheel, on every Python and Django that it supports.

``make matrix`` runs all of it, ``make matrix ARGS=-l`` lists it. Parts of it::

    make matrix ARGS="-k 'py312 and django52'"
    make matrix ARGS="-t ci"

The tag ``ci`` has the lowest supported versions, and the newest Django on each Python
but the one of ``.venv``, which runs all tests there. A missing interpreter is skipped,
unless ``--error-on-missing-interpreters`` is given.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import nox

ROOT: Final = Path(__file__).resolve().parents[1]
BUILD: Final = ROOT / "build" / "matrix"
# The tests as the sdist has them, without the package.
STAGE: Final = BUILD / "stage"

# From Django's release notes.
SUPPORTED: Final = {
    "3.10": ("4.2", "5.0", "5.1", "5.2"),
    "3.11": ("4.2", "5.0", "5.1", "5.2"),
    "3.12": ("4.2", "5.0", "5.1", "5.2", "6.0", "6.1"),
    "3.13": ("5.1", "5.2", "6.0", "6.1"),
    "3.14": ("5.2", "6.0", "6.1"),
}
OLDEST, *_, SECOND_NEWEST, NEWEST = SUPPORTED
# The Python of .venv, where `make test-all` runs.
TESTED: Final = f"{sys.version_info.major}.{sys.version_info.minor}"

# Folders whose tests do not depend on the versions of Python and Django, or take
# minutes: `newest` runs them.
ONCE: Final = {
    "benchmarks",
    "celery",
    "distribution",
    "docs",
    "example_site",
    "explanation",
    "faults",
    "how_to",
    "locks",
    "servers",
    "soak",
    "typing",
}
# Folders that need no servers and no other libraries than TOOLS.
FLOOR: Final = {"asgi", "compat", "declare", "runtime", "threads"}
TOOLS: Final = (
    "anyio",
    "asgi-lifespan",
    "httpx",
    "hypothesis",
    "mangum",
    "pytest",
    "pytest-asyncio",
    "pytest-randomly",
    "pytest-timeout",
    "pytest-xdist",
    "starlette",
    "trio",
)
# Benchmarks need the libraries they compare with, and builds need the sources.
NOT_HERE: Final = ("--ignore=tests/benchmarks", "--ignore=tests/distribution")

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["floor", "every", "newest"]

# uv downloads no interpreter.
os.environ["UV_PYTHON_DOWNLOADS"] = "never"


def interpreters() -> Iterable[Path]:
    """The folders of pyenv's interpreters, newest first."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in SUPPORTED:
        found = versions.glob(f"{version}.*/bin/python{version}")
        # 3.13.10 is newer than 3.13.9.
        yield from (
            path.parent
            for path in sorted(
                found, key=lambda path: -int(path.parts[-3].split(".")[2])
            )
        )


# Before pyenv's shims, which work for the chosen versions only.
os.environ["PATH"] = os.pathsep.join([*map(str, interpreters()), os.environ["PATH"]])


def built(session: nox.Session) -> Path:
    """The wheel, built from the sdist; once for all sessions of a run."""
    if not hasattr(nox, "_our_wheel"):
        shutil.rmtree(BUILD, ignore_errors=True)
        session.run_install(
            *("uv", "build", "--quiet", "--python", sys.executable),
            *("--out-dir", str(BUILD), str(ROOT)),
            external=True,
        )
        (sdist,) = BUILD.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(BUILD, filter="data")
        (BUILD / sdist.name.removesuffix(".tar.gz")).rename(STAGE)
        shutil.rmtree(STAGE / "django_lifespan_typed")
        (wheel,) = BUILD.glob("*.whl")
        nox._our_wheel = wheel  # type: ignore[attr-defined]
    return nox._our_wheel  # type: ignore[attr-defined,no-any-return]


def run(session: nox.Session, *tests: str) -> None:
    """Run *tests* against the installed wheel."""
    session.chdir(STAGE)
    session.run(
        *("python", "-c"),
        "import django, django_lifespan_typed as ours, sys, sysconfig as s\n"
        "assert ours.__file__.startswith(s.get_path('purelib')), ours.__file__\n"
        "print('Python', sys.version.split()[0], 'Django', django.__version__)\n"
        "print(ours.__file__)",
        env={"PYTHONPATH": str(STAGE)},
    )
    session.run(
        *("python", "-m", "pytest", "-q", "-rs", "-n", "auto", *NOT_HERE, *tests),
        *session.posargs,
        env={"PYTHONPATH": None},
    )


def folders() -> list[str]:
    """The folders of tests to run in each combination."""
    names = {path.parent.name for path in STAGE.glob("tests/*/test_*.py")}
    return sorted(f"tests/{name}" for name in names - ONCE)


def combinations() -> Iterable[Any]:
    """Each Python with each Django, by names such as ``py312-django52``."""
    for python, all_ in SUPPORTED.items():
        for django in all_:
            name = f"py{python}-django{django}".replace(".", "")
            tags = ["ci"] if django == all_[-1] and python != TESTED else []
            yield nox.param(python, django, id=name, tags=tags)


@nox.session
@nox.parametrize(("python", "django"), list(combinations()))
def every(session: nox.Session, django: str) -> None:
    """Each combination, with the newest versions of everything else."""
    wheel = built(session)
    session.install(
        "--upgrade",
        "--reinstall-package",
        "django-lifespan-typed",
        f"{wheel}[test]",
        f"django=={django}.*",
    )
    # Tests of the pytest plugin run pytest in a process each.
    run(session, "--ignore-glob=*/test_pytest_*", *folders())


def lowest_versions() -> str:
    """A file with the lowest versions that pyproject.toml allows."""
    versions = str(BUILD / "lowest.txt")
    subprocess.run(
        [
            *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct"),
            *("--python-version", OLDEST, "--output-file", versions),
            str(ROOT / "pyproject.toml"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return versions


@nox.session(python=OLDEST, tags=["ci"])
def floor(session: nox.Session) -> None:
    """The lowest supported versions, which are too low for other libraries."""
    wheel = built(session)
    session.install(
        *("--reinstall-package", "django-lifespan-typed", str(wheel)),
        *("--requirement", lowest_versions(), *TOOLS),
    )
    # The pytest-asyncio for this typing-extensions leaves a loop unclosed.
    own_loop = "ignore::pytest.PytestUnraisableExceptionWarning"
    run(session, "-W", own_loop, *(f"tests/{name}" for name in sorted(FLOOR)))


@nox.session(python=[SECOND_NEWEST, NEWEST])
def newest(session: nox.Session) -> None:
    """All tests, with the newest versions of everything."""
    wheel = built(session)
    session.install(
        "--upgrade", "--reinstall-package", "django-lifespan-typed", f"{wheel}[test]"
    )
    run(session, "-m", "not checkers", "tests")
