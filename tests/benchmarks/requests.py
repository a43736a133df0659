"""A request through our handler and middleware against Django's own, and theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from time import process_time

from django.test import override_settings

from django_lifespan_typed import run_asgi_lifespan

from . import peers
from .measuring import Result, Samples, turns
from .site import Server, lifespan_handler, on_this_site, plain_handler
from .tables import Column, Table

BOUND = 1.02
REPEATS = 20
ROUNDS = 400


def results(quick: bool) -> Iterator[Result | Table]:
    rounds = 1 if quick else ROUNDS
    samples = asyncio.run(_samples(rounds))
    for name, ours, plain in (
        ("a request, the server sends a lifespan", peers.OURS, peers.PLAIN),
        ("a request, the server sends no lifespan", "late", "plain, stateless"),
    ):
        more = samples.difference(ours, plain) / REPEATS * 1e6
        each = samples.median(plain) / REPEATS * 1e6
        yield Result(
            name,
            samples.ratio(ours, plain),
            "x plain",
            BOUND,
            f"{more:+.1f} us to {each:.0f} us of CPU, {rounds} rounds of {REPEATS}",
        )
    yield Table(
        "requests",
        "A whole request in process",
        (Column("CPU", "µs"),),
        {
            name: (samples.scaled(name, peers.PLAIN) / REPEATS * 1e6,)
            for name in peers.django_sites()
        },
        baseline=peers.PLAIN,
    )


@on_this_site
async def _samples(rounds: int) -> Samples:
    samples = Samples()
    handler = lifespan_handler()
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(run_asgi_lifespan(handler))
        servers = {
            peers.PLAIN: Server(plain_handler(), state),
            peers.OURS: Server(handler, state),
            "plain, stateless": Server(plain_handler()),
            "late": Server(lifespan_handler()),
        }
        if theirs := peers.django_sites().get(peers.THEIRS):
            with override_settings(MIDDLEWARE=theirs.MIDDLEWARE):
                app = theirs.LifespanASGIHandler()
            given = await stack.enter_async_context(run_asgi_lifespan(app))
            servers[peers.THEIRS] = Server(app, {**state, **given})
        for server in servers.values():
            await _seconds(server)  # starts late, imports and compiles
            assert server.status == 200
        for name in turns(servers, rounds):
            samples.add(name, await _seconds(servers[name]))
    return samples


async def _seconds(server: Server) -> float:
    began = process_time()  # all threads: Django's signals use one
    for _ in range(REPEATS):
        await server.get()
    return process_time() - began
