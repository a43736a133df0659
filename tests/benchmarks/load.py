"""Requests under load: uvicorn in processes of their own, over loopback."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
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
MEASURES_CPU = sys.platform == "linux"
ROUNDS = 30

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
        pids = {name: server.pid for name, server in servers.items()}
        rows = asyncio.run(_measured(ports, pids, effort))
        for server in servers.values():
            server.end(signal.SIGINT)
    yield Table(
        "load",
        f"Under uvicorn, {CONNECTIONS} connections that ask again at once",
        (
            Column("throughput", "requests/s", more_is_better=True),
            Column("p50", "ms"),
            Column("p99", "ms"),
            Column("CPU of the server", "µs"),
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
    ports: dict[str, int], pids: dict[str, int], effort: Effort
) -> dict[str, tuple[float | None, ...]]:
    seconds = 0.1 if effort.quick else SECONDS
    each, middle, worst, cpu = Samples(), Samples(), Samples(), Samples()
    for port in ports.values():
        await load(port, CONNECTIONS, seconds)  # imports and compiles
    for name in turns(ports, effort.of(ROUNDS, 1)):
        used = _cpu_seconds(pids[name])
        took, answers = await load(ports[name], CONNECTIONS, seconds)
        used = _cpu_seconds(pids[name]) - used
        shares = quantiles(answers, n=100)
        each.add(name, took / len(answers))
        middle.add(name, shares[49])
        worst.add(name, shares[98])
        cpu.add(name, used / len(answers))
    return {
        name: (
            1 / _beside_plain(each, name),
            _beside_plain(middle, name) * 1e3,
            _beside_plain(worst, name) * 1e3,
            _beside_plain(cpu, name) * 1e6 if MEASURES_CPU else None,
        )
        for name in ports
    }


def _beside_plain(samples: Samples, name: str) -> float:
    """By the ratio within each round: a disturbance slows all."""
    plain = peers.PLAIN
    return samples.median(plain) * samples.ratio(name, plain)


def _cpu_seconds(pid: int) -> float:
    """The CPU time of all threads of a process; 0 where the system does not know."""
    # The clock of clock_getcpuclockid(3), which Python lacks.
    return time.clock_gettime(~pid << 3 | 2) if MEASURES_CPU else 0.0
