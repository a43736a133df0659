"""A request through our handler and middleware against Django's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import process_time

from django_lifespan_typed import run_asgi_lifespan

from .measuring import Result, Samples, turns
from .site import Server, lifespan_handler, on_this_site, plain_handler

BOUND = 1.02
REPEATS = 20
ROUNDS = 600


def results() -> Iterator[Result]:
    samples = asyncio.run(_samples())
    for name, ours, plain in (
        ("a request, the server having sent lifespan", "ours", "plain"),
        ("a request, the server sending no lifespan", "late", "plain, stateless"),
    ):
        more = samples.difference(ours, plain) / REPEATS * 1e6
        each = samples.median(plain) / REPEATS * 1e6
        yield Result(
            name,
            samples.ratio(ours, plain),
            "x plain",
            BOUND,
            f"{more:+.1f} us to {each:.0f} us of CPU, {ROUNDS} rounds of {REPEATS}",
        )


@on_this_site
async def _samples() -> Samples:
    samples = Samples()
    handler = lifespan_handler()
    async with run_asgi_lifespan(handler) as state:
        servers = {
            "plain": Server(plain_handler(), state),
            "ours": Server(handler, state),
            "plain, stateless": Server(plain_handler()),
            "late": Server(lifespan_handler()),
        }
        for server in servers.values():
            await _seconds(server)  # the first one starts late, imports and compiles
            assert server.status == 200
        for name in turns(servers, ROUNDS):
            samples.add(name, await _seconds(servers[name]))
    return samples


async def _seconds(server: Server) -> float:
    began = process_time()  # of every thread: Django's signals use one
    for _ in range(REPEATS):
        await server.get()
    return process_time() - began
