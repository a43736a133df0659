"""Fixtures of the tests of test tools."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any, final

import pytest

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed._runtime.overrides import overrides
from django_lifespan_typed._threads.asgiref import use_loop
from tests.journaling import add, nothing_is_left
from tests.processes import LIMIT

__all__ = ["add", "nothing_is_left"]

PROJECT = Path(__file__).with_name("project")

MODULES = {
    "anyio": "anyio.pytest_plugin",
    "asyncio": "pytest_asyncio.plugin",
    "django": "pytest_django.plugin",
    "xdist": "xdist.plugin",
}

# Options that make pytest-asyncio quiet about defaults to come.
OPTIONS = {"asyncio": ("-oasyncio_default_fixture_loop_scope=function",)}


@final
class Scratch:
    """A Django project, whose tests are run by pytest in another process."""

    def __init__(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._pytester = pytester
        self._set = monkeypatch.setenv
        self._unset = monkeypatch.delenv
        self.folder = pytester.path
        shutil.copytree(PROJECT / "shop", self.folder / "shop")
        (self.folder / "pytest.ini").write_text("[pytest]\n")
        self._journal = self.folder / "journal"
        self._set("JOURNAL", str(self._journal))
        self._set("DJANGO_SETTINGS_MODULE", "shop.settings")
        self._set("PYTHONDEVMODE", "1")

    def set(self, **variables: str) -> None:
        """Set variables of its environment."""
        for name, value in variables.items():
            self._set(name, value)

    def unset(self, variable: str) -> None:
        """Take a variable out of its environment."""
        self._unset(variable)

    def run(
        self, tests: str | Path, *arguments: str, plugins: tuple[str, ...] = ()
    ) -> pytest.RunResult:
        """Run *tests*, a module's text or path, with those plugins only."""
        if isinstance(tests, str):
            self._pytester.makepyfile(test_shop=HEAD + tests)
            path = self.folder / "test_shop.py"
        else:
            path = tests
        if "django" not in plugins:
            self._pytester.makeconftest("import django\ndjango.setup()\n")
        # Ours by its entry point; by that name, some others would warn.
        self._set("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        options = ["-Werror", "-ra"]
        for name in ("django_lifespan_typed", *plugins):
            options += (f"-p{MODULES.get(name, name)}", *OPTIONS.get(name, ()))
        return self._pytester.runpytest_subprocess(
            *options, *arguments, str(path), timeout=LIMIT
        )

    def run_with_all(self, tests: Path, *arguments: str) -> pytest.RunResult:
        """Run *tests* with every plugin that the environment has."""
        self._unset("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
        options = ("-Werror", "-ra", *OPTIONS["asyncio"])
        return self._pytester.runpytest_subprocess(
            *options, *arguments, str(tests), timeout=LIMIT
        )

    @property
    def journal(self) -> list[str]:
        """What has happened."""
        if not self._journal.exists():
            return []
        return self._journal.read_text().split("\n")[:-1]


HEAD = """\
import asyncio
import pytest
from django.test import TestCase, TransactionTestCase, SimpleTestCase
from django_lifespan_typed import Lifespan, current_state
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.testing import LifespanTestCase, override_state
from shop.journal import journal
from shop.lifespan import Catalogue, FakeHttp, Http, catalogue, http, socket

"""


@pytest.fixture
def scratch(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Scratch:
    """A project of this test's own."""
    assert os.environ.get("BROKEN") is None
    return Scratch(pytester, monkeypatch)


Add = Callable[..., Resource[str]]


@pytest.fixture
def add(registry: Registry, journal: list[str]) -> Add:
    """Register a resource of that name, which writes in ``journal``."""

    def adding(name: str, *needs: StateKey[Any], fails: str = "") -> Resource[str]:
        async def resource(*values: str) -> AsyncGenerator[str]:
            journal.append(f"+{name}")
            if fails == "start":
                raise ConnectionError(name)
            yield f"{name}({','.join(values)})"
            journal.append(f"-{name}")
            if fails == "stop":
                raise ConnectionError(name)

        declare: Any = lifespan_resource(name, registry=registry, needs=needs)
        made: Resource[str] = declare(resource)
        return made

    return adding


@pytest.fixture
def nothing_is_left() -> Generator[None]:
    """After the test: no override, no lifespan and no loop for sync code is left."""
    before = use_loop(None)
    # Other tests may have left some on loops that ended under them.
    lifespans = [*overrides._lifespans]
    running.last_failure = None
    yield
    running.last_failure = None
    assert use_loop(before) is None
    assert overrides.values() == {}
    assert overrides._lifespans == lifespans
    assert running.loops() == []
