"""Fixtures of the Celery tests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.processes import Process, running

Workshop = Callable[..., AbstractContextManager[Process]]


@pytest.fixture(autouse=True)
def _own_logging() -> Generator[None]:
    """A worker in this process sets up logging for all of it; here, for one test."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers.copy()
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.captureWarnings(False)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Runs a Python module in the workshop, with a broker of this test's own."""
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()

    def run(*command: str, **variables: str) -> AbstractContextManager[Process]:
        return running(
            "-m",
            *command,
            folder=Path(__file__).parent,
            PYTHONUNBUFFERED="1",
            # It reports what others leave to the end of a process.
            PYTHONDEVMODE=None,
            DJANGO_SETTINGS_MODULE="workshop.settings",
            WORKSHOP_FOLDER=str(tmp_path),
            **variables,
        )

    return run
