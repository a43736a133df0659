"""Two event loops in one process, each with a lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import RequestFactory

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import LifespanNotRunning, StateNotFound
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.middleware import LifespanStateMiddleware
from tests.asgi.server import FakeServer

from .threads import LoopThread

Threads = Callable[[], LoopThread]


async def enter(lifespan: Lifespan) -> LifespanState:
    return await lifespan.__aenter__()


async def leave(lifespan: Lifespan) -> None:
    await lifespan.__aexit__(None, None, None)


async def current() -> LifespanState:
    return current_state()


def _loop_resource(registry: Registry) -> Any:
    @lifespan_resource("loop", registry=registry)
    async def loop() -> AsyncGenerator[asyncio.AbstractEventLoop]:
        yield asyncio.get_running_loop()

    return loop


def test_each_loop_has_its_own(registry: Registry, loop_thread: Threads) -> None:
    """Values of its own, the current state of its own, an end of its own."""
    loop = _loop_resource(registry)
    first, second = loop_thread(), loop_thread()
    lifespans = [Lifespan(registry), Lifespan(registry)]

    states = [
        thread.run(enter(lifespan))
        for thread, lifespan in zip((first, second), lifespans, strict=True)
    ]
    currents = [thread.run(current()) for thread in (first, second)]
    first.run(leave(lifespans[0]))
    left = second.run(current())
    second.run(leave(lifespans[1]))

    assert [state[loop] for state in states] == [first.loop, second.loop]
    assert currents == states
    assert left is states[1]


def test_sync_code_belongs_to_the_loop_that_called_it(
    registry: Registry, loop_thread: Threads
) -> None:
    """A sync view on a server of two loops finds the state of its own."""
    loop = _loop_resource(registry)
    threads = [loop_thread(), loop_thread()]
    lifespans = [Lifespan(registry), Lifespan(registry)]

    def view() -> tuple[object, object]:
        async def on_loop() -> object:
            return asyncio.get_running_loop()

        return current_state()[loop], async_to_sync(on_loop)()

    async def serve(sensitive: bool) -> tuple[object, object]:
        return await sync_to_async(view, thread_sensitive=sensitive)()

    for thread, lifespan in zip(threads, lifespans, strict=True):
        thread.run(enter(lifespan))
    try:
        found = [
            thread.run(serve(sensitive))
            for thread in threads
            for sensitive in (True, False)
        ]
    finally:
        for thread, lifespan in zip(threads, lifespans, strict=True):
            thread.run(leave(lifespan))

    first, second = (thread.loop for thread in threads)
    assert found == [(first, first)] * 2 + [(second, second)] * 2


def test_a_loop_without_a_lifespan_is_told_of_both(
    registry: Registry, loop_thread: Threads
) -> None:
    """Now, and by name, instead of "Event loop is closed" later."""
    loop = _loop_resource(registry)
    serving, other = loop_thread(), loop_thread()
    lifespan = Lifespan(registry)

    async def ask() -> list[str]:
        texts = []
        for asking in (current_state, lambda: get_state({}, loop)):
            with pytest.raises((LifespanNotRunning, StateNotFound)) as caught:
                asking()
            texts.append(str(caught.value))
        return texts

    serving.run(enter(lifespan))
    try:
        texts = other.run(ask())
        loops = f"    {other.loop!r}\nwhile there is one on\n    {serving.loop!r}\n"
    finally:
        serving.run(leave(lifespan))

    text = (
        f"the running event loop has no lifespan\n{loops}"
        "Values belong to the loop that started them: run the code there, or start a "
        "lifespan here: async with Lifespan()."
    )
    assert texts == [text, f"no 'loop' on the lifespan state: {text}"]


def test_a_handler_serves_both_loops_of_a_server(
    registry: Registry, loop_thread: Threads
) -> None:
    """One application object, a lifespan for each loop that asks for one."""
    loop = _loop_resource(registry)
    threads = [loop_thread(), loop_thread()]
    handler = LifespanASGIHandler(registry)
    meeting = [asyncio.Event(), asyncio.Event()]

    async def serve(index: int) -> object:
        state: dict[str, Any] = {}
        async with FakeServer(handler, state=state) as server:
            await server.startup()
            # Both run before either stops.
            other = 1 - index
            threads[other].loop.call_soon_threadsafe(meeting[other].set)
            await meeting[index].wait()
            found = current_state()[loop], state["loop"]
            await server.shutdown()
        return found

    futures = [
        asyncio.run_coroutine_threadsafe(serve(index), thread.loop)
        for index, thread in enumerate(threads)
    ]
    found = [future.result(30) for future in futures]

    assert found == [(thread.loop, thread.loop) for thread in threads]


def test_a_request_that_belongs_to_neither_has_an_empty_state(
    registry: Registry, loop_thread: Threads
) -> None:
    """The middleware does not guess whose lifespan a thread without a loop means."""
    _loop_resource(registry)
    threads = [loop_thread(), loop_thread()]
    lifespans = [Lifespan(registry), Lifespan(registry)]
    middleware = LifespanStateMiddleware(lambda request: request.state)

    for thread, lifespan in zip(threads, lifespans, strict=True):
        thread.run(enter(lifespan))
    states: list[Any] = [middleware(RequestFactory().get("/"))]
    threads[0].run(leave(lifespans[0]))
    states.append(middleware(RequestFactory().get("/")))
    threads[1].run(leave(lifespans[1]))

    assert [dict(state) for state in states] == [{}, {"loop": threads[1].loop}]
