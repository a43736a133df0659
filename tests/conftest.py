"""Fixtures for all tests, and the choice of those that are slow."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

import django
import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed._declare import registry as registry_module

TESTS = Path(__file__).parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# Folders of `make test-all`: they measure, build packages, or serve whole sites.
SLOW_FOLDERS = {
    "benchmarks",
    "distribution",
    "example_site",
    "how_to",
    "locks",
    "soak",
}

# A shell without job control starts background commands with SIGINT ignored, which
# every server that a test starts would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Slow steps that asyncio's debug mode reports depend on the machine.
logging.getLogger("asyncio").addFilter(
    lambda record: record.msg != "Executing %s took %.3f seconds"
)
# An abandoned task is reported when it is collected, possibly while another test looks
# at the log.
logging.getLogger("asyncio").addFilter(
    lambda record: "name='lifespan stubborn'" not in record.getMessage()
)


@pytest.hookimpl(tryfirst=True)  # before tests are deselected
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests in slow folders, and those that drive a browser, as slow."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in SLOW_FOLDERS or item.get_closest_marker("browser"):
            item.add_marker("slow")


@pytest.fixture
def registry() -> Registry:
    """An empty registry."""
    return Registry()


@pytest.fixture
def default_registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The default registry, empty for this test."""
    for name, value in vars(Registry()).items():
        monkeypatch.setattr(registry_module.default_registry, name, value)
    return registry_module.default_registry


@pytest.fixture
def journal() -> list[str]:
    """Events in order: ``+db`` for a start, ``-db`` for a stop."""
    return []
