"""Memory of one process, over many lifespans whose resources are connections."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

from tests.processes import ROOT, UNMEASURED, running

from .cycles import CYCLES, HALF
from .ledger import Ledger
from .treatment import ROUNDS

# Long, for a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

# Caches and free lists take less; one object of 200 bytes per cycle takes more.
CYCLES_NOISE: Final = 4096
PER_CYCLE: Final = 20


@pytest.fixture
def ledger() -> Generator[Ledger]:
    with Ledger() as listening:
        yield listening


def grown(ledger: Ledger, *options: str) -> int:
    """The bytes by which a process of its own grows."""
    with running(
        *("-m", "tests.soak.cycles", *options),
        folder=ROOT,
        LEDGER=str(ledger.port),
        DJANGO_SETTINGS_MODULE="tests.settings",
        **UNMEASURED,
    ) as process:
        assert process.wait() == 0, process.output
        return int(process.until(r"grown by (\S+)"))


def test_many_lifespans_of_a_process_leave_nothing(ledger: Ledger) -> None:
    by = grown(ledger)

    assert len(ledger.with_status("closed")) == 2 * CYCLES * (2 * HALF + 1)
    assert ledger.holding() == set()
    assert ledger.with_status("dropped") == []
    assert by < CYCLES_NOISE + HALF * CYCLES * PER_CYCLE


def test_a_leak_of_one_small_object_per_lifespan_is_noticed(ledger: Ledger) -> None:
    assert grown(ledger, "leak") > CYCLES_NOISE + HALF * CYCLES * PER_CYCLE
