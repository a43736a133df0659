"""Memory: requests, ended lifespans and ended event loops leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler

from django_lifespan_typed import (
    Lifespan,
    Registry,
    lifespan_resource,
    run_asgi_lifespan,
)
from tests.benchmarks import memory, site

# A leak leaves at least one object for each request. Caches may differ by SLACK.
REQUESTS = 1000
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


@pytest.fixture(autouse=True)
def _nothing_is_left() -> None:
    """Allow a late start to last until its event loop is closed."""


@pytest.fixture(autouse=True)
def on_this_site() -> Iterator[None]:
    """Serve the site of the benchmarks; pytest would keep each log record."""
    logging.disable(logging.CRITICAL)
    with site.on_this_site:
        yield
    logging.disable(logging.NOTSET)


serving = pytest.mark.parametrize(
    ("serve", "state", "status"),
    [
        pytest.param(with_lifespan, {"number": 1}, 200, id="lifespan"),
        pytest.param(without_lifespan, None, 200, id="late start"),
        pytest.param(refusing, None, 503, id="failed startup"),
    ],
)


@serving
async def test_requests_leave_no_more_than_with_plain_django(
    serve: Serve, state: dict[str, Any] | None, status: int
) -> None:
    async with AsyncExitStack() as stack:
        plain = site.Server(site.plain_handler(), state)
        django = await memory.growth(plain, REQUESTS)
        garbage = await memory.garbage(plain, REQUESTS)
        server = await serve(stack)

        grown = await memory.growth(server, REQUESTS)
        left = await memory.garbage(server, REQUESTS)

    assert server.status == status
    # Growth is negative if objects of the first requests were freed late.
    assert grown.objects < max(django.objects, 0) + SLACK
    assert grown.blocks < max(django.blocks, 0) + SLACK
    # If Django leaves a request to the collector, its scope is left with it.
    with_each = 6 if garbage >= REQUESTS else 0
    assert left - garbage < SLACK + with_each * REQUESTS


async def test_repeated_lifespans_leave_nothing() -> None:
    """Mangum starts and stops a lifespan for each call."""
    lifespan = Lifespan(site.registry_of_one())

    async def cycle(times: int) -> None:
        for _ in range(times):
            async with lifespan:
                pass
        memory.collect()

    await cycle(20)
    before = len(gc.get_objects())
    await cycle(200)

    assert len(gc.get_objects()) - before < SLACK


async def test_an_ended_lifespan_and_its_registry_are_collected() -> None:
    registry = site.registry_of_one()
    lifespan = Lifespan(registry)
    async with lifespan:
        pass
    references = [weakref.ref(lifespan), weakref.ref(registry)]

    del lifespan, registry
    memory.collect()

    assert [reference() for reference in references] == [None, None]


async def serve_once(handler: ASGIHandler) -> None:
    server = site.Server(handler)
    await server.get()
    assert server.status == 200


async def serve_once_with_lifespan(handler: ASGIHandler) -> None:
    async with run_asgi_lifespan(handler) as state:
        server = site.Server(handler, state)
        await server.get()
        assert server.status == 200


class Value:
    """A value that a weak reference can watch."""


@pytest.mark.parametrize("serve", [serve_once, serve_once_with_lifespan])
def test_a_handler_keeps_neither_values_nor_event_loops(serve: Use) -> None:
    """A handler serves a new event loop for each test."""
    values: weakref.WeakSet[Value] = weakref.WeakSet()
    loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
    started: list[str] = []
    registry = Registry()

    @lifespan_resource("value", registry=registry)
    async def value() -> Value:
        loops.add(asyncio.get_running_loop())
        new = Value()
        values.add(new)
        started.append("value")
        return new

    handler = site.lifespan_handler(registry)
    for _ in range(10):
        asyncio.run(serve(handler))
    memory.collect()

    assert len(started) == 10
    assert len(values) == 0
    # asgiref's thread keeps the event loop that used it last.
    assert len(loops) <= 1
