"""One running demo for all tests that only read it."""

from __future__ import annotations

from collections.abc import Generator

import httpx
import pytest

from .demo import Demo, running_demo


@pytest.fixture(scope="session")
def demo() -> Generator[Demo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture
def browser(demo: Demo) -> Generator[httpx.Client]:
    """A client of the demo that is not logged in."""
    with demo.client() as client:
        yield client
