"""Two event loops in one process, each with a lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import RequestFactory, override_settings

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed._text import address
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.middleware import LifespanStateMiddleware
from tests.asgi.server import FakeServer, json_of

from .loop_threads import LoopThread, threads

__all__ = ["threads"]


@pytest.fixture(autouse=True)
def _loop_resource(registry: Registry) -> None:
    """Each lifespan has the value ``loop``: the event loop that it runs on."""

    @lifespan_resource("loop", registry=registry)
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


@pytest.fixture
def lifespans(
    registry: Registry, threads: list[LoopThread]
) -> Generator[list[Lifespan]]:
    """A running lifespan on each of the loops."""
    lifespans = [Lifespan(registry), Lifespan(registry)]
    for thread, lifespan in zip(threads, lifespans, strict=True):
        thread.run(lifespan.__aenter__())
    yield lifespans
    for thread, lifespan in zip(threads, lifespans, strict=True):
        if lifespan.loop is not None:
            thread.run(leave(lifespan))


async def leave(lifespan: Lifespan) -> None:
    await lifespan.__aexit__(None, None, None)


async def current() -> LifespanState:
    return current_state()


def test_each_loop_has_its_own_values(
    threads: list[LoopThread], lifespans: list[Lifespan]
) -> None:
    """One ends, the other goes on."""
    first, second = threads

    currents = [thread.run(current()) for thread in threads]
    first.run(leave(lifespans[0]))
    left = second.run(current())

    assert [state["loop"] for state in currents] == [first.loop, second.loop]
    assert currents == [lifespan.state for lifespan in lifespans]
    assert left is lifespans[1].state


@pytest.mark.usefixtures("lifespans")
@pytest.mark.parametrize("sensitive", [True, False])
def test_sync_code_has_the_values_of_the_loop_that_called_it(
    threads: list[LoopThread], sensitive: bool
) -> None:
    """Sync views on a server with two loops."""

    def view() -> tuple[object, object]:
        async def on_loop() -> object:
            return asyncio.get_running_loop()

        return current_state()["loop"], async_to_sync(on_loop)()

    async def serve() -> tuple[object, object]:
        return await sync_to_async(view, thread_sensitive=sensitive)()

    found = [thread.run(serve()) for thread in threads]

    assert found == [(thread.loop, thread.loop) for thread in threads]


@pytest.mark.usefixtures("lifespans")
def test_a_thread_without_a_loop_cannot_choose(threads: list[LoopThread]) -> None:
    key = StateKey[int]("loop")
    messages = []
    for look_up in current_state, lambda: get_state({}, key):
        with pytest.raises(LifespanNotRunning) as caught:
            look_up()
        messages.append(str(caught.value))

    first, second = threads
    text = (
        "this thread has no event loop, and the process has more than one lifespan\n"
        f"    {address(first.loop)}\n    {address(second.loop)}\n"
        "Pass the request, or its scope, to get_state()."
    )
    assert messages == [text, text]
    assert get_state({"state": {"loop": 7}}, key) == 7
    assert get_state({}, key, 8) == 8


def test_a_request_of_neither_loop_has_an_empty_state(
    threads: list[LoopThread], lifespans: list[Lifespan]
) -> None:
    """While one lifespan runs, it has the values of that one."""
    middleware = LifespanStateMiddleware(lambda request: request.state)

    states: list[Any] = [middleware(RequestFactory().get("/"))]
    threads[0].run(leave(lifespans[0]))
    states.append(middleware(RequestFactory().get("/")))

    assert [dict(state) for state in states] == [{}, {"loop": threads[1].loop}]


@override_settings(ROOT_URLCONF="tests.asgi.urls")
def test_one_handler_serves_both_loops(
    registry: Registry, threads: list[LoopThread]
) -> None:
    """Each server finds its own values while both serve."""
    handler = LifespanASGIHandler(registry)
    serving = [asyncio.Event(), asyncio.Event()]

    async def serve(index: int) -> object:
        state: dict[str, Any] = {}
        async with FakeServer(handler, state=state) as server:
            await server.startup()
            other = 1 - index
            threads[other].loop.call_soon_threadsafe(serving[other].set)
            await serving[index].wait()
            found = current_state()["loop"], state["loop"]
            names = json_of(await server.request("/names"))
            await server.shutdown()
        return *found, names

    futures = [
        asyncio.run_coroutine_threadsafe(serve(index), thread.loop)
        for index, thread in enumerate(threads)
    ]
    found = [future.result(30) for future in futures]

    assert found == [(thread.loop, thread.loop, ["loop"]) for thread in threads]
