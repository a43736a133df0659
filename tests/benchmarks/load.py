"""Requests under load: uvicorn in processes of their own, over loopback."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.processes import Process, running

from . import peers
from .measuring import Samples, turns
from .tables import Column, Table

CONNECTIONS = 16
SECONDS = 1.0
MEASURES_CPU = sys.platform == "linux"
ROUNDS = 30


def results(quick: bool) -> Iterator[Table]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        servers = {
            name: stack.enter_context(
                running(
                    *("-m", "uvicorn", "tests.benchmarks.served:application"),
                    *("--port=0", "--no-access-log"),
                    folder=folder,
                    BENCHMARK_PEER=peer.__name__,
                    PYTHONDEVMODE=None,
                    PYTHONUNBUFFERED="1",
                )
            )
            for name, peer in peers.django_sites().items()
        }
        rows = asyncio.run(_measured(servers, quick))
        for server in servers.values():
            server.end(signal.SIGINT)
    yield Table(
        "load",
        f"Under uvicorn, {CONNECTIONS} connections",
        (
            Column("throughput", "requests/s", more_is_better=True),
            Column("p50", "ms"),
            Column("p99", "ms"),
            Column("CPU of the server", "µs"),
        ),
        rows,
        baseline=peers.PLAIN,
    )


async def _measured(
    servers: dict[str, Process], quick: bool
) -> dict[str, tuple[float | None, ...]]:
    seconds = 0.1 if quick else SECONDS
    each, middle, worst, cpu = Samples(), Samples(), Samples(), Samples()
    ports = {
        name: int(server.until(r"running on http://127.0.0.1:(\d+)"))
        for name, server in servers.items()
    }
    for port in ports.values():
        await _load(port, seconds)  # imports and compiles
    for name in turns(ports, 1 if quick else ROUNDS):
        pid = servers[name].pid
        used = _cpu_seconds(pid)
        took, answers = await _load(ports[name], seconds)
        used = _cpu_seconds(pid) - used
        shares = quantiles(answers, n=100)
        each.add(name, took / len(answers))
        middle.add(name, shares[49])
        worst.add(name, shares[98])
        cpu.add(name, used / len(answers))
    return {
        name: (
            1 / each.scaled(name, peers.PLAIN),
            middle.scaled(name, peers.PLAIN) * 1e3,
            worst.scaled(name, peers.PLAIN) * 1e3,
            cpu.scaled(name, peers.PLAIN) * 1e6 if MEASURES_CPU else None,
        )
        for name in ports
    }


async def _load(port: int, seconds: float) -> tuple[float, list[float]]:
    """Repeat a request after each answer: total time, and the time of each answer."""
    answers: list[float] = []
    began = perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (asked := perf_counter()) < began + seconds:
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            length = re.findall(rb"\ncontent-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(*length))
            answers.append(perf_counter() - asked)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return perf_counter() - began, answers


def _cpu_seconds(pid: int) -> float:
    """The CPU time of all threads of a process; 0 where the system does not know."""
    # The clock of clock_getcpuclockid(3), which Python lacks.
    return time.clock_gettime(~pid << 3 | 2) if MEASURES_CPU else 0.0
