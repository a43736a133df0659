"""Fixtures of the tests of Daphne."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import copied

from .site import PROJECT


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The scratch project, in a folder of this test's own."""
    return copied(PROJECT, tmp_path)
