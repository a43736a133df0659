"""Values in threads without an event loop, and on other event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import RequestFactory

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_lifespan,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed._text import address
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.middleware import LifespanStateMiddleware
from tests.asgi.server import serving


class Client:
    """A client that is bound to the event loop on which it was created."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()

    async def fetch(self) -> bool:
        """Return whether this runs on the client's own loop."""
        return asyncio.get_running_loop() is self.loop


CLIENT = StateKey[Client]("client")


@pytest.fixture
def with_client(registry: Registry) -> Registry:
    """A registry with one client."""

    @lifespan_resource(CLIENT, registry=registry)
    async def client() -> AsyncGenerator[Client]:
        yield Client()

    return registry


async def in_thread(job: Callable[[], Any]) -> Any:
    result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def run() -> None:
        result.get_loop().call_soon_threadsafe(result.set_result, job())

    thread = threading.Thread(target=run)
    thread.start()
    found = await result
    thread.join()
    return found


async def in_executor(job: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, job)


async def in_other_thread(job: Callable[[], Any]) -> Any:
    return await sync_to_async(job, thread_sensitive=False)()


Run = Callable[[Callable[[], Any]], Awaitable[Any]]
THREADS: list[Run] = [in_thread, in_executor, in_other_thread, asyncio.to_thread]


def fetch_by_state() -> bool:
    return async_to_sync(current_state()[CLIENT].fetch)()


def fetch_by_call() -> bool:
    return current_lifespan().call(current_state()[CLIENT].fetch)


@pytest.mark.parametrize("run", THREADS)
@pytest.mark.parametrize("fetch", [fetch_by_state, fetch_by_call])
async def test_sync_code_in_any_thread_uses_the_loop_of_the_value(
    run: Run, fetch: Callable[[], bool], with_client: Registry
) -> None:
    async with Lifespan(with_client):
        assert await run(fetch)


@pytest.mark.parametrize("run", THREADS)
async def test_sync_code_with_a_request_uses_the_loop_of_the_value(
    run: Run, with_client: Registry
) -> None:
    found: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = SimpleNamespace(scope=scope)
        found.append(
            await run(lambda: async_to_sync(get_state(request, CLIENT).fetch)())
        )

    async with serving(with_lifespan(app, with_client), {}) as server:
        await server.request("/")

    assert found == [True]


def test_a_wsgi_request_in_a_pool_uses_the_loop_of_the_value(
    with_client: Registry,
) -> None:
    """With the middleware, the request has a state and no scope."""

    def view(request: Any) -> Any:
        def fetch() -> bool:
            return async_to_sync(get_state(request, CLIENT).fetch)()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(fetch).result()

    middleware: Any = LifespanStateMiddleware(view)
    with Lifespan(with_client):
        assert middleware(RequestFactory().get("/"))


def test_a_pool_outlasts_the_lifespan_whose_loop_it_used(
    with_client: Registry,
) -> None:
    async def answer() -> int:
        return 7

    with ThreadPoolExecutor(1) as pool:
        with Lifespan(with_client):
            assert fetch_by_state()
            assert pool.submit(fetch_by_state).result()

        assert pool.submit(async_to_sync(answer)).result() == 7


async def test_async_code_on_another_loop_is_refused(with_client: Registry) -> None:
    """The error names both loops."""
    errors: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = SimpleNamespace(scope=scope)

        async def elsewhere(look_up: Callable[[], object]) -> None:
            with pytest.raises(LifespanNotRunning) as caught:
                look_up()
            assert address(asyncio.get_running_loop()) in str(caught.value)
            errors.append(str(caught.value))

        for look_up in (current_state, lambda: get_state(request, CLIENT)):
            await asyncio.to_thread(asyncio.run, elsewhere(look_up))

    async with serving(with_lifespan(app, with_client), {}) as server:
        await server.request("/")

    assert len(errors) == 2
    for error in errors:
        assert address(asyncio.get_running_loop()) in error


def test_there_is_no_current_lifespan_outside() -> None:
    with pytest.raises(LifespanNotRunning):
        current_lifespan()
