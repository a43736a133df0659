"""The commands by which pages install what they use."""

from __future__ import annotations

import shlex
from importlib.metadata import distribution
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.docs.pages import commands

from .sites import HOW_TO

PAGES: Final = [
    "adopting.md",
    "background-task.md",
    "channels.md",
    "commands-and-tasks.md",
    "daphne.md",
    "httpx.md",
    "mounted-apps.md",
    "opentelemetry.md",
    "postgresql.md",
    "redis.md",
    "testing.md",
    "wsgi.md",
]


def lines_of(page: str, begins: str) -> list[str]:
    return [line for line in commands(HOW_TO / page) if line.startswith(begins)]


@pytest.mark.parametrize("page", PAGES)
def test_the_tests_run_with_the_packages_of_the_page(page: str) -> None:
    lines = lines_of(page, "pip install ")
    named = [each for line in lines for each in shlex.split(line)[2:]]

    assert named
    for requirement in map(Requirement, named):
        installed = distribution(requirement.name)
        extras = installed.metadata.get_all("Provides-Extra") or []
        # An editable install may be older than pyproject.toml.
        is_ours = requirement.name == "django-lifespan-typed"
        assert is_ours or requirement.extras <= set(extras), requirement


def test_the_first_page_creates_the_project_of_the_tests() -> None:
    begins = "django-admin startproject "

    assert lines_of("httpx.md", begins) == ["django-admin startproject mysite ."]
