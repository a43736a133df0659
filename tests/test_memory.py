"""Memory: what requests, lifespans and loops leave behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import tracemalloc
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler

import django_lifespan_typed
from django_lifespan_typed import (
    Lifespan,
    Registry,
    lifespan_resource,
    run_asgi_lifespan,
)

from .benchmarks import memory, site

PACKAGE = Path(django_lifespan_typed.__file__).parent

# A leak leaves one object or more for each request, so any number well above SLACK
# shows it; `make bench` sends 20,000.
REQUESTS = int(os.environ.get("MEMORY_TEST_REQUESTS", "3000"))
GARBAGE = 500
# What caches and free lists may differ by, however many requests there are.
SLACK = 200

Serve = Callable[[AsyncExitStack], Awaitable[site.Server]]
Use = Callable[[ASGIHandler], Coroutine[Any, Any, None]]


async def with_lifespan(stack: AsyncExitStack) -> site.Server:
    handler = site.lifespan_handler()
    state = await stack.enter_async_context(run_asgi_lifespan(handler))
    return site.Server(handler, state)


async def without_lifespan(stack: AsyncExitStack) -> site.Server:
    return site.Server(site.lifespan_handler())


async def refusing(stack: AsyncExitStack) -> site.Server:
    registry = Registry()

    @lifespan_resource("broken", registry=registry)
    async def broken() -> AsyncGenerator[None, None]:
        raise LookupError
        yield

    return site.Server(site.lifespan_handler(registry))


async def plain_with_state(stack: AsyncExitStack) -> site.Server:
    return site.Server(site.plain_handler(), {"number": 1})


async def plain_without_state(stack: AsyncExitStack) -> site.Server:
    return site.Server(site.plain_handler())


AGAINST_PLAIN = [
    pytest.param(with_lifespan, plain_with_state, 200, id="lifespan"),
    pytest.param(without_lifespan, plain_without_state, 200, id="no lifespan"),
    pytest.param(refusing, plain_without_state, 503, id="failed start"),
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The late start's warning, kept by pytest's log capture, is no leak of ours."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def on_this_site() -> Iterator[None]:
    with site.on_this_site:
        yield


@pytest.mark.parametrize(("ours", "plain", "status"), AGAINST_PLAIN)
async def test_requests_leave_no_more_than_django_does(
    ours: Serve, plain: Serve, status: int
) -> None:
    """Many requests later, there is nothing that the plain handler has not left too."""
    async with AsyncExitStack() as stack:
        django = await memory.growth(await plain(stack), REQUESTS)
        server = await ours(stack)

        grown = await memory.growth(server, REQUESTS)

    assert server.status == status
    # What its first request left is at times freed later: then less than none is left.
    assert grown.objects < max(django.objects, 0) + SLACK
    assert grown.blocks < max(django.blocks, 0) + SLACK


@pytest.mark.parametrize(("ours", "plain", "status"), AGAINST_PLAIN)
async def test_requests_make_no_more_garbage_than_django_does(
    ours: Serve, plain: Serve, status: int
) -> None:
    """No reference cycle is made, so that nothing waits for the collector."""
    async with AsyncExitStack() as stack:
        django = await memory.garbage(await plain(stack), GARBAGE)
        server = await ours(stack)

        left = await memory.garbage(server, GARBAGE)

    assert server.status == status
    # Where Django leaves each request to the collector, its state goes with it.
    with_each = 2 if django >= GARBAGE else 0
    assert left - django < SLACK + with_each * GARBAGE


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(with_lifespan, id="lifespan"),
        pytest.param(without_lifespan, id="no lifespan"),
        pytest.param(refusing, id="failed start"),
    ],
)
async def test_no_line_of_ours_holds_memory_for_a_past_request(serve: Serve) -> None:
    """Of what our own lines allocate for requests, nothing outlives them."""
    async with AsyncExitStack() as stack:
        server = await serve(stack)
        for _ in range(100):
            await server.get()

        tracemalloc.start()
        try:
            for _ in range(300):
                await server.get()
            memory.collect()
            snapshot = tracemalloc.take_snapshot()
        finally:
            tracemalloc.stop()

    ours = snapshot.filter_traces([tracemalloc.Filter(True, f"{PACKAGE}/*")])
    kept = [line for line in ours.statistics("lineno") if line.count >= 300]
    assert kept == []


async def test_lifespans_leave_nothing_when_they_are_left() -> None:
    """A lifespan may be entered again and again, as Mangum does at each call."""
    registry = site.registry_of_one()
    lifespan = Lifespan(registry)

    async def cycle(times: int) -> None:
        for _ in range(times):
            async with lifespan:
                pass
        memory.collect()

    await cycle(20)
    before = len(gc.get_objects())
    await cycle(200)

    assert len(gc.get_objects()) - before < SLACK


class Value:
    """Something that can be watched."""


async def test_values_are_let_go_after_the_stop() -> None:
    """What a resource made lives no longer than the lifespan and its state."""
    registry = Registry()

    @lifespan_resource("value", registry=registry)
    async def value() -> Value:
        return Value()

    async with Lifespan(registry) as state:
        held = weakref.ref(state[value])

    del state
    memory.collect()
    assert held() is None


@pytest.mark.parametrize("sends_lifespan", [True, False], ids=["lifespan", "late"])
def test_a_handler_lets_go_of_values_after_the_stop(
    journal: list[str], sends_lifespan: bool
) -> None:
    """The handler outlives its lifespans, and what they made does not."""
    made: weakref.WeakSet[Value] = weakref.WeakSet()
    registry = Registry()

    @lifespan_resource("value", registry=registry)
    async def value() -> Value:
        new = Value()
        made.add(new)
        journal.append("+value")
        return new

    handler = site.lifespan_handler(registry)
    serve: Use = _serve_once_with_lifespan if sends_lifespan else _serve_once

    asyncio.run(serve(handler))
    memory.collect()

    assert journal == ["+value"]
    assert len(made) == 0


async def _serve_once(handler: ASGIHandler) -> None:
    server = site.Server(handler)
    await server.get()
    assert server.status == 200


async def _serve_once_with_lifespan(handler: ASGIHandler) -> None:
    async with run_asgi_lifespan(handler) as state:
        server = site.Server(handler, state)
        await server.get()
        assert server.status == 200


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(_serve_once, id="started late"),
        pytest.param(_serve_once_with_lifespan, id="started by the server"),
    ],
)
def test_loops_of_the_past_are_forgotten(
    serve: Use,
) -> None:
    """One handler may serve a loop per test, or per call, and keeps none of them."""
    handler = site.lifespan_handler()
    loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    async def main() -> None:
        loops.add(asyncio.get_running_loop())
        await serve(handler)

    for _ in range(10):
        asyncio.run(main())
    memory.collect()

    # asgiref's thread remembers the loop that used it last.
    assert len(loops) <= 1
