"""Memory: requests, ended lifespans and ended event loops leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterator
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
REQUESTS = 300
SLACK = 200

Serve = Callable[[AsyncExitStack, ASGIHandler], Awaitable[site.Server]]


async def with_lifespan(stack: AsyncExitStack, handler: ASGIHandler) -> site.Server:
    state = await stack.enter_async_context(run_asgi_lifespan(handler))
    return site.Server(handler, state)


async def without_lifespan(_: AsyncExitStack, handler: ASGIHandler) -> site.Server:
    return site.Server(handler)


def broken_registry() -> Registry:
    registry = Registry()

    @lifespan_resource("broken", registry=registry)
    async def broken() -> None:
        raise LookupError

    return registry


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


@pytest.mark.parametrize(
    ("serve", "registry", "state", "status"),
    [
        (with_lifespan, site.registry_of_one(), {"number": 1}, 200),
        (without_lifespan, site.registry_of_one(), None, 200),
        (without_lifespan, broken_registry(), None, 503),
    ],
    ids=["lifespan", "late start", "failed startup"],
)
async def test_requests_leave_no_more_than_with_plain_django(
    serve: Serve, registry: Registry, state: dict[str, Any] | None, status: int
) -> None:
    async with AsyncExitStack() as stack:
        plain = site.Server(site.plain_handler(), state)
        django = await memory.growth(plain, REQUESTS)
        garbage = await memory.garbage(plain, REQUESTS)
        server = await serve(stack, site.lifespan_handler(registry))

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


class Value:
    """A value that a weak reference can watch."""


@pytest.mark.parametrize("serve", [without_lifespan, with_lifespan])
def test_a_handler_keeps_neither_values_nor_event_loops(serve: Serve) -> None:
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

    async def serve_once() -> None:
        async with AsyncExitStack() as stack:
            server = await serve(stack, handler)
            await server.get()
            assert server.status == 200

    handler = site.lifespan_handler(registry)
    for _ in range(10):
        asyncio.run(serve_once())
    memory.collect()

    assert len(started) == 10
    assert len(values) == 0
    # asgiref's thread keeps the event loop that used it last.
    assert len(loops) <= 1
