"""Treatments of a server while clients send requests, and their results."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

from tests.processes import LIMIT, ROOT, UNMEASURED
from tests.servers.server import Server
from tests.servers.servers import (
    GRANIAN_2,
    GUNICORN_ASGI_2,
    GUNICORN_UVICORN_2,
    UVICORN_2,
)
from tests.servers.serving import Serving, serving

from .ledger import Ledger
from .load import Load

# Reloads in each test; `make soak` has more.
ROUNDS: Final = int(os.environ.get("SOAK_ROUNDS", "1"))

# Answers between two of them.
BETWEEN: Final = 30


@final
@dataclass(frozen=True)
class Treatment:
    """A server, how its workers are recycled, and how it reloads."""

    name: str
    server: Server
    options: tuple[str, ...]
    reloads: str = ""
    """A pattern in its output for each SIGHUP; empty: it gets none."""
    recycled: int = ROUNDS
    """How often *options* replace each worker before the end."""


@final
@dataclass
class Report:
    """The results of a treatment."""

    code: int
    load: Load
    ledger: Ledger
    was_busy: bool
    """Whether a request was in flight at SIGTERM."""
    output: str


@contextmanager
def soaking(
    server: Server, *options: str, site: str, **variables: str | None
) -> Generator[tuple[Serving, Ledger]]:
    """The site under *server*, with a ledger that its workers write to."""
    with (
        Ledger() as ledger,
        serving(
            server,
            *options,
            application="tests.soak.site.asgi:application",
            folder=ROOT,
            DJANGO_SETTINGS_MODULE="tests.soak.site.settings",
            # As in production, and so that workers start fast.
            PYTHONDEVMODE="",
            **UNMEASURED,
            SITE=site,
            LEDGER=str(ledger.port),
            **variables,
        ) as served,
    ):
        served.process.until(server.ready, nth=server.workers)
        served.until_listening()
        yield served, ledger


def put_through(treatment: Treatment, site: str) -> Report:
    """Load, recycling, SIGHUP ``ROUNDS`` times, and SIGTERM during the load."""
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
                    lambda before=before: before <= ledger.gone(),
                    f"reload {number}, still there",
                )
                if not treatment.recycled:  # the number of workers is known
                    process.until(server.ready, nth=server.workers * (number + 1))
            load.until_answered(BETWEEN)
            ledger.wait_until(lambda: bool(ledger.in_use), "nobody is busy")
            load.end()
            busy = bool(ledger.in_use)
            code = process.end(signal.SIGTERM)
        ledger.wait_until(lambda: not ledger.holding(), "still open after the end")
    return Report(code, load, ledger, busy, process.output)


_MAX: Final = "150"

TREATMENTS: tuple[Treatment, ...] = (
    Treatment("uvicorn-recycled", UVICORN_2, ("--limit-max-requests", _MAX)),
    Treatment(
        "uvicorn-reloaded",
        UVICORN_2,
        # For slow starts on a busy machine. It also delays the replacement of a worker
        # that has just ended, so the treatment above goes without.
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
)
if ROUNDS > 1:  # it recycles by age, of at least a minute
    aged = ("--workers-lifetime", "60", "--respawn-interval", "2")
    TREATMENTS += (Treatment("granian-aged", GRANIAN_2, aged, recycled=1),)
