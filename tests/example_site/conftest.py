"""One running demo for all tests that only look at it."""

from __future__ import annotations

from collections.abc import Generator

import httpx
import pytest

from .demo import running_demo


@pytest.fixture(scope="session")
def browser() -> Generator[httpx.Client]:
    """A browser at the demo, with a book service that the demo started itself."""
    with running_demo() as demo, demo.client() as client:
        yield client
