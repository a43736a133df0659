"""What a server is put through while clients ask, and what came of it."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Final, final

from tests.processes import LIMIT
from tests.servers.servers import (
    GRANIAN_2,
    GUNICORN_ASGI_2,
    GUNICORN_UVICORN_2,
    UVICORN_2,
    Server,
)

from .ledger import Entry, Ledger
from .load import Load
from .soaking import soaking

# Reloads in each test; `make soak` has more.
ROUNDS: Final = int(os.environ.get("SOAK_ROUNDS", "1"))

# Answered between two of them.
BETWEEN: Final = 30


@final
@dataclass(frozen=True)
class Treatment:
    """A server, how its workers are recycled, and how it says that it reloads."""

    name: str
    server: Server
    options: tuple[str, ...]
    reloads: str = ""
    """A pattern in what it prints for each SIGHUP; empty: it is sent none."""
    recycled: int = ROUNDS
    """How often *options* have each worker replaced before the end is waited for."""


@final
@dataclass
class Report:
    """What came of it."""

    code: int
    kinds: Counter[str]
    unanswered: set[str]
    """Requests that the application was handed, and the client got no answer to."""
    busy_at_the_end: int
    """Requests in flight at SIGTERM."""
    entries: list[Entry] = field(default_factory=list)
    farewells: list[tuple[int, str]] = field(default_factory=list)
    output: str = ""

    @property
    def lost_by_the_server(self) -> set[str]:
        """How requests ended that never came to the application, and were not late."""
        return set(self.kinds) - {"answered", "stale"}

    def farewells_by_worker(self) -> dict[int, list[str]]:
        """What each process closed, in order."""
        found: dict[int, list[str]] = {}
        for pid, name in self.farewells:
            found.setdefault(pid, []).append(name)
        return found


def _all_gone(pids: set[int], ledger: Ledger) -> bool:
    return pids <= ledger.gone()


def put_through(treatment: Treatment, site: str) -> Report:
    """Load, recycling, SIGHUP ``ROUNDS`` times, and SIGTERM in the midst of it."""
    server = treatment.server
    with soaking(server, *treatment.options, site=site) as (serving, ledger):
        process = serving.process
        load = Load(serving.port, "async", "sync")
        with load.running():
            ledger.wait_until(
                lambda: len(ledger.holding()) >= server.workers, "not every worker"
            )
            if treatment.recycled:
                recycled = treatment.recycled * server.workers
                ledger.wait_until(
                    lambda: len(ledger.gone()) >= recycled, "none is recycled"
                )
            for number in range(1, ROUNDS + 1 if treatment.reloads else 1):
                load.until_answered(BETWEEN)
                before = ledger.holding()
                process.send(signal.SIGHUP)
                process.until(treatment.reloads, nth=number)
                ledger.wait_until(
                    partial(_all_gone, before, ledger), f"reload {number}, still there"
                )
                if not treatment.recycled:  # else nobody knows how many have begun
                    process.until(server.ready, nth=server.workers * (number + 1))
            load.until_answered(BETWEEN)
            ledger.wait_until(lambda: bool(ledger.in_use), "nobody is busy")
            load.end()
            busy = len(ledger.in_use)
            code = process.end(signal.SIGTERM)
        # The process has ended, so whatever it held has too.
        ledger.wait_until(lambda: not ledger.holding(), "still held")
        entries = ledger.entries.copy()
    answered = {each.number for each in load.outcomes if each.kind == "answered"}
    return Report(
        code,
        +load.kinds,
        ledger.handed - answered,
        busy,
        entries,
        ledger.farewells,
        process.output,
    )


_MAX: Final = "150"

TREATMENTS: Final = (
    Treatment("uvicorn-recycled", UVICORN_2, ("--limit-max-requests", _MAX)),
    Treatment(
        "uvicorn-reloaded",
        UVICORN_2,
        # A worker that starts slowly on a busy machine is not given up. Not for both:
        # it is also how long it waits for an answer of a worker that has just ended.
        ("--timeout-worker-healthcheck", str(LIMIT)),
        reloads="Received SIGHUP",
        recycled=0,
    ),
    Treatment(
        "gunicorn-asgi", GUNICORN_ASGI_2, ("--max-requests", _MAX), reloads="ignal: hup"
    ),
    Treatment(
        "gunicorn-uvicorn",
        GUNICORN_UVICORN_2,
        ("--max-requests", _MAX),
        reloads="ignal: hup",
    ),
    Treatment(
        "granian",
        GRANIAN_2,
        ("--respawn-interval", "2"),
        reloads="HUP signal received",
        recycled=0,
    ),
    # It recycles by age alone, of 60 s or more: of `make soak`, and once.
    *(
        Treatment(
            "granian-aged",
            GRANIAN_2,
            ("--workers-lifetime", "60", "--respawn-interval", "2"),
            recycled=1,
        )
        for _ in range(ROUNDS > 1)
    ),
)
