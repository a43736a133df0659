"""Memory of one process, over many lifespans whose resources are connections."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

from tests.processes import ROOT, UNMEASURED, running

from .cycles import CYCLES, HALF
from .ledger import Ledger
from .treatment import ROUNDS

# Far more than it takes, for a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

# Caches and free lists of that process. One object of 200 bytes per cycle is more.
CYCLES_NOISE: Final = 4096
PER_CYCLE: Final = 20


@pytest.fixture
def ledger() -> Generator[Ledger]:
    with Ledger() as listening:
        yield listening


def grown(ledger: Ledger, *options: str) -> int:
    """By how many bytes a process grows that has no other tests in it."""
    with running(
        *("-m", "tests.soak.cycles", *options),
        folder=ROOT,
        LEDGER=str(ledger.port),
        DJANGO_SETTINGS_MODULE="tests.settings",
        **UNMEASURED,
    ) as process:
        assert process.wait() == 0, process.output
        return int(process.until(r"grown by (\S+)"))


def test_lifespans_of_one_process_leave_nothing(ledger: Ledger) -> None:
    """Started and stopped again and again: all is closed, and memory stays."""
    by = grown(ledger)

    assert len(ledger.with_status("closed")) == 2 * CYCLES * (2 * HALF + 1)
    assert ledger.holding() == set()
    assert ledger.with_status("dropped") == []
    assert by < CYCLES_NOISE + HALF * CYCLES * PER_CYCLE


def test_a_lifespan_that_leaks_is_found_out(ledger: Ledger) -> None:
    """The measure above would see one small object for each lifespan."""
    assert grown(ledger, "leak") > CYCLES_NOISE + HALF * CYCLES * PER_CYCLE
