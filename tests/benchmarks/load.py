"""Requests under load: uvicorn in processes of their own, answering over loopback."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from tests.processes import Process, running

from . import peers
from .client import load
from .measuring import FULL, Effort, Samples, turns
from .tables import Column, Table

CONNECTIONS = 16
SECONDS = 1.0
ROUNDS = 12

SITES = {
    peers.PLAIN: "bare",
    "django-asgi-lifespan": "django_asgi_lifespan",
    peers.OURS: "ours",
}


def results(effort: Effort = FULL) -> Iterator[Table]:
    sites = {name: site for name, site in SITES.items() if name not in peers.missing()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        servers = {
            name: stack.enter_context(_server(site, folder))
            for name, site in sites.items()
        }
        ports = {
            name: int(server.until(r"running on http://127.0.0.1:(\d+)"))
            for name, server in servers.items()
        }
        rows = asyncio.run(_measured(ports, effort))
        for server in servers.values():
            server.end(signal.SIGINT)
    yield Table(
        "load",
        f"Under uvicorn, {CONNECTIONS} connections that ask again at once",
        (
            Column("throughput", "requests/s", more_is_better=True),
            Column("p50", "ms"),
            Column("p99", "ms"),
        ),
        rows,
        baseline=peers.PLAIN,
    )


def _server(site: str, folder: Path) -> AbstractContextManager[Process]:
    return running(
        "-m",
        "uvicorn",
        "tests.benchmarks.served:application",
        "--port=0",
        "--no-access-log",
        folder=folder,
        BENCHMARK_SITE=site,
        PYTHONDEVMODE=None,
        PYTHONUNBUFFERED="1",
    )


async def _measured(
    ports: dict[str, int], effort: Effort
) -> dict[str, tuple[float | None, ...]]:
    seconds = 0.1 if effort.quick else SECONDS
    each, middle, worst = Samples(), Samples(), Samples()
    for port in ports.values():
        await load(port, CONNECTIONS, seconds)  # imports and compiles
    for name in turns(ports, effort.of(ROUNDS, 1)):
        took, answers = await load(ports[name], CONNECTIONS, seconds)
        shares = quantiles(answers, n=100)
        each.add(name, took / len(answers))
        middle.add(name, shares[49])
        worst.add(name, shares[98])
    plain = peers.PLAIN
    return {
        # By the ratio within each round: what slows the machine slows all.
        name: (
            1 / (each.median(plain) * each.ratio(name, plain)),
            middle.median(plain) * middle.ratio(name, plain) * 1e3,
            worst.median(plain) * worst.ratio(name, plain) * 1e3,
        )
        for name in ports
    }
