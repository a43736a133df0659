"""A project for each how-to page, and real services on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.processes import start_project

from .services import Service, postgresql_server, redis_server
from .sites import lay

Site = Callable[..., Path]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that ``django-admin startproject`` writes."""
    return start_project(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def site(bare: Path, tmp_path: Path) -> Site:
    """Makes a project of the common files of all pages and the named programs."""

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
    with redis_server(tmp_path) as service:
        yield service


@pytest.fixture
def postgresql() -> Generator[Service]:
    with postgresql_server() as service:
        yield service
