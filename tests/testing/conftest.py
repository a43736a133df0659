"""Fixtures for tests of the test tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from typing import final

import pytest

from tests.journaling import add, nothing_is_left
from tests.processes import LIMIT, ROOT

__all__ = ["add", "nothing_is_left"]

PROJECT = Path(__file__).with_name("project")

# pytest warns about plugins that are loaded by the names of their entry points.
MODULES = {
    "anyio": "anyio.pytest_plugin",
    "asyncio": "pytest_asyncio.plugin",
    "django": "pytest_django.plugin",
}

# It warns about a default of a later version.
QUIET_ASYNCIO = "-oasyncio_default_fixture_loop_scope=function"

# The events of a lifespan of the shop.
STARTED = ["+socket", "+http", "+catalogue"]
STOPPED = ["-catalogue", "-http", "-socket"]

HEAD = """\
import asyncio, unittest
import pytest
from django.test import SimpleTestCase, TestCase
from django_lifespan_typed import Lifespan, Registry, current_state, get_state
from django_lifespan_typed import lifespan_resource
from django_lifespan_typed.exceptions import LifespanNotRunning, StateNotFound
from django_lifespan_typed.testing import LifespanTestCase, override_state
from shop.journal import journal
from shop.lifespan import FakeHttp, catalogue, http, socket

"""


@final
class Scratch:
    """A copy of the shop, with tests that pytest runs in another process."""

    def __init__(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._pytester = pytester
        self.environment = monkeypatch
        self.folder = pytester.path
        shutil.copytree(PROJECT / "shop", self.folder / "shop")
        (self.folder / "pytest.ini").write_text("[pytest]\n")
        self._journal = self.folder / "journal"
        # Every installed plugin, and asyncio's debug mode, would take most of the time.
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.delenv("PYTHONDEVMODE", raising=False)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("JOURNAL", str(self._journal))
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.write_text(text)
        return path

    def run(
        self, tests: str, *arguments: str, plugins: tuple[str, ...] = ()
    ) -> pytest.RunResult:
        """Run a module with the text *tests* with *plugins* only."""
        self.write("test_shop.py", HEAD + tests)
        return self.run_all(*arguments, plugins=plugins)

    def run_all(
        self, *arguments: str, plugins: tuple[str, ...] = ()
    ) -> pytest.RunResult:
        """Run all test modules of the project with *plugins* only."""
        if "django" not in plugins:
            self.write("conftest.py", "import django\ndjango.setup()\n")
        options = ["-Werror", "-ra", "-pdjango_lifespan_typed"]
        options += [f"-p{MODULES.get(name, name)}" for name in plugins]
        if "asyncio" in plugins:
            options.append(QUIET_ASYNCIO)
        return self._pytester.runpytest_subprocess(*options, *arguments, timeout=LIMIT)

    def manage_py_test(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Django's test runner."""
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-Werror", PROJECT / "manage.py", "test", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            check=False,
            text=True,
            timeout=LIMIT,
        )

    @property
    def journal(self) -> list[str]:
        """The recorded events, in order."""
        return self._journal.read_text().split() if self._journal.exists() else []


def run_case(case: type[unittest.TestCase]) -> list[tuple[str, str]]:
    """Run each test of *case*; return the name and the last line of each failure."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case)(result)
    assert result.testsRun
    return [
        (test.id().rpartition(".")[2], error.splitlines()[-1])
        for test, error in [*result.errors, *result.failures]
    ]


@pytest.fixture
def scratch(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Scratch:
    """A project for one test."""
    return Scratch(pytester, monkeypatch)
