"""Fixtures of all tests."""

from __future__ import annotations

import logging
import os
import signal

import django
import pytest

from django_lifespan_typed import Registry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# A shell without job control starts what is to run in the background with SIGINT
# ignored, and so would be every server that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What asyncio's debug mode says of a slow step is of the machine: no test is of that.
logging.getLogger("asyncio").addFilter(
    lambda record: record.msg != "Executing %s took %.3f seconds"
)
# A task that was given up on purpose is complained of whenever it is collected, be it
# in a test that looks at the log.
logging.getLogger("asyncio").addFilter(
    lambda record: "name='lifespan stubborn'" not in record.getMessage()
)


@pytest.fixture
def registry() -> Registry:
    """A registry of this test's own."""
    return Registry()


@pytest.fixture
def journal() -> list[str]:
    """What happened, in order: ``+db`` for a start, ``-db`` for a stop."""
    return []
