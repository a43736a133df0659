"""One running demo for all tests that only look at it."""

from __future__ import annotations

from collections.abc import Generator

import httpx
import pytest

from .demo import Demo, running_demo


@pytest.fixture(scope="session")
def demo() -> Generator[Demo]:
    """A demo under uvicorn, with a book service that it started itself."""
    with running_demo() as demo:
        yield demo


@pytest.fixture
def browser(demo: Demo) -> Generator[httpx.Client]:
    """A browser at the demo, which nobody has logged in with."""
    with demo.client() as client:
        yield client
