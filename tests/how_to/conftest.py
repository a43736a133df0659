"""Fixtures of the how-to pages: a project, and real services on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.processes import running

from .services import Service, postgresql_server, redis_server
from .sites import lay

Site = Callable[..., Path]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``django-admin startproject`` writes."""
    folder = tmp_path_factory.mktemp("bare") / "site"
    folder.mkdir()
    start = ("-m", "django", "startproject", "mysite", ".")
    with running(*start, folder=folder) as process:
        assert process.wait() == 0, process.output
    return folder


@pytest.fixture
def site(bare: Path, tmp_path: Path) -> Site:
    """
    Makes the project of some programs, in a folder of this test's own: the one that
    the pages start from, and those that are named.
    """

    def make(*programs: str, start: str | None = "start") -> Path:
        folder = tmp_path / "site"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(bare, folder, ignore=ignored)
        for program in (*([start] if start else []), *programs):
            lay(program, folder)
        return folder

    return make


@pytest.fixture
def redis(tmp_path: Path) -> Generator[Service]:
    """A Redis of this test's own."""
    with redis_server(tmp_path) as service:
        yield service


@pytest.fixture
def postgresql() -> Generator[Service]:
    """A PostgreSQL of this test's own."""
    with postgresql_server() as service:
        yield service
