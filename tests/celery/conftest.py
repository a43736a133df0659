"""Fixtures for tests with Celery."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.journaling import add, nothing_is_left
from tests.processes import Process, running

__all__ = ["add", "nothing_is_left"]

Workshop = Callable[..., AbstractContextManager[Process]]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Run a Python module in the workshop, with a broker for this test."""
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()

    def run(*command: str, **variables: str) -> AbstractContextManager[Process]:
        return running(
            "-m",
            *command,
            folder=Path(__file__).parent,
            PYTHONUNBUFFERED="1",
            PYTHONDEVMODE=None,  # it reports unclosed files of Celery
            DJANGO_SETTINGS_MODULE="workshop.settings",
            WORKSHOP_FOLDER=str(tmp_path),
            **variables,
        )

    return run
