"""Memory of one process, over many lifespans whose resources are connections."""

from __future__ import annotations

from typing import Final

import pytest

from tests.processes import ROOT, UNMEASURED, running

from .cycles import CYCLES, HALF, LIFESPANS
from .ledger import Ledger
from .treatment import ROUNDS

# Long, for a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

# Caches and free lists take less; one object of 200 bytes per cycle takes more.
NOISE: Final = 4096 + HALF * CYCLES * 20


@pytest.mark.parametrize("options", [(), ("leak",)], ids=["flat", "leaking"])
def test_many_lifespans_leave_nothing_unless_a_resource_leaks(
    options: tuple[str, ...],
) -> None:
    with (
        Ledger() as ledger,
        running(
            *("-m", "tests.soak.cycles", *options),
            folder=ROOT,
            LEDGER=str(ledger.port),
            DJANGO_SETTINGS_MODULE="tests.settings",
            **UNMEASURED,
        ) as process,
    ):
        assert process.wait() == 0, process.output
        grown = int(process.until(r"grown by (\S+)"))

    assert (grown > NOISE) is bool(options)
    assert [entry.status for entry in ledger.entries] == ["closed"] * 2 * LIFESPANS
