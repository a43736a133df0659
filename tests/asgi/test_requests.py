"""Requests in flight: a shutdown cancels and awaits them before resources close."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import django
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from django_lifespan_typed import Registry, lifespan_resource, run_asgi_lifespan
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.types import (
    ASGIApplication,
    Message,
    Receive,
    Scope,
    Send,
    State,
)

from .server import LIMIT, FakeServer, http_scope, serving

Serve = Callable[[], Awaitable[None]]

# Before, a request that its server has cancelled is cancelled a second time.
counts_cancellations = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python 3.10 does not count cancellations"
)

CLOSED_AFTER = ["+request", "-request", "-db"]
CLOSED_BEFORE = ["+request", "-db"]


class View:
    """A view that waits, and what has happened."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.clean_up: Serve = self.slowly
        self.requests: list[Any] = []

    async def slowly(self) -> None:
        for _ in range(9):
            await asyncio.sleep(0)

    async def serve(self) -> None:
        self.journal.append("+request")
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await self.clean_up()
            self.journal.append("-request")
            self.left.set()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same as a bare ASGI application."""
        await self.serve()


@pytest.fixture
def view(registry: Registry) -> Generator[View]:
    """The view, and a resource that notes when it closes."""
    view = View()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[int]:
        yield 1
        view.journal.append("-db")

    async def serve(request: HttpRequest) -> HttpResponse:
        view.requests.append(request)
        await view.serve()
        return HttpResponse("served")

    with override_settings(ROOT_URLCONF=(path("", serve),)):
        yield view
    for request in view.requests:
        # Django does not close the body of a cancelled request.
        request._stream.close()


async def shut_down_during_a_request(
    app: ASGIApplication, view: View, *, cancels: bool
) -> asyncio.Task[Any]:
    """Send the shutdown; *cancels* the request first, as uvicorn does."""
    async with serving(app, {}) as server:
        request = asyncio.ensure_future(server.request("/"))
        await asyncio.wait_for(view.entered.wait(), LIMIT)
        if cancels:
            request.cancel()
    return request


@pytest.mark.parametrize(
    "cancels",
    [
        pytest.param(False, id="not cancelled"),
        pytest.param(True, id="cancelled", marks=counts_cancellations),
    ],
)
@pytest.mark.parametrize("kind", ["Django", "any application"])
async def test_a_request_ends_before_the_resources_close(
    registry: Registry, view: View, cancels: bool, kind: str
) -> None:
    """Django leaves the task of a view running if the server cancels the request."""
    if kind == "Django":
        application: Any = LifespanASGIHandler(registry)
    else:
        application = with_lifespan(view.app, registry)

    request = await shut_down_during_a_request(application, view, cancels=cancels)

    await asyncio.wait({request}, timeout=LIMIT)
    assert request.cancelled() == cancels
    assert view.journal == CLOSED_AFTER


@pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django 4.2 runs a view in the request's own task"
)
async def test_the_exception_of_a_cancelled_view_is_no_complaint(
    registry: Registry, view: View
) -> None:
    """asyncio would report it as never retrieved."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: complaints.append(context.get("exception"))
    )
    handler = LifespanASGIHandler(registry)

    async def fail() -> None:
        raise ValueError("failed to clean up")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def lost(message: object) -> None:
            raise OSError("the client has gone")

        await handler(scope, receive, send if scope["type"] == "lifespan" else lost)

    view.clean_up = fail
    await shut_down_during_a_request(app, view, cancels=True)
    gc.collect()

    assert view.journal == CLOSED_BEFORE
    # Django itself leaves the task that waits for a disconnect.
    assert [*filter(None, complaints)] == []


@pytest.mark.parametrize("how", ["shut down", "cancelled"])
async def test_a_request_that_ignores_its_cancellation_has_a_time_limit(
    *, registry: Registry, view: View, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """STOP_TIMEOUT, or CANCEL_TIMEOUT if the server cancels the lifespan."""
    go_on = asyncio.Event()

    async def hang() -> None:
        await go_on.wait()

    view.clean_up = hang
    caplog.set_level(logging.WARNING, "django_lifespan_typed")
    limits = {"STOP_TIMEOUT": 3600.0, "CANCEL_TIMEOUT": 3600.0}
    limits["STOP_TIMEOUT" if how == "shut down" else "CANCEL_TIMEOUT"] = 0.05
    application = with_lifespan(view.app, registry)
    with override_settings(LIFESPAN=limits):
        async with FakeServer(application, state={}) as server:
            await server.startup()
            request = asyncio.ensure_future(server.request("/"))
            await asyncio.wait_for(view.entered.wait(), LIMIT)
            if how == "shut down":
                await server.shutdown()
            else:
                server.task.cancel()
                await server.outcome()
    closed = view.journal.copy()
    go_on.set()
    await asyncio.wait({request}, timeout=LIMIT)

    assert closed == CLOSED_BEFORE
    assert len(caplog.messages) == 1


async def test_a_sync_view_ends_before_the_resources_close(
    registry: Registry, view: View
) -> None:
    """Its thread goes on although gunicorn has cancelled the request, twice."""
    entered, go_on = threading.Event(), threading.Event()

    def serve(request: HttpRequest) -> HttpResponse:
        view.requests.append(request)
        view.journal.append("+request")
        entered.set()
        go_on.wait(LIMIT)
        view.journal.append("-request")
        return HttpResponse()

    with override_settings(ROOT_URLCONF=(path("", serve),)):
        messages: asyncio.Queue[Message] = asyncio.Queue()
        messages.put_nowait({"type": "http.request"})
        handler = LifespanASGIHandler(registry)
        async with serving(handler, {}):
            request = asyncio.ensure_future(
                handler(http_scope("/"), messages.get, messages.put)
            )
            await asyncio.to_thread(entered.wait, LIMIT)
            while not request.done():
                request.cancel()
                await asyncio.sleep(0)
            # Later than the shutdown, which waits for the view.
            asyncio.get_running_loop().call_later(0.05, go_on.set)

    assert view.journal == CLOSED_AFTER


@pytest.mark.parametrize("leaves", ["before the shutdown", "at the shutdown"])
async def test_a_sync_consumer_ends_before_the_resources_close(
    registry: Registry, view: View, leaves: str
) -> None:
    """Channels runs its code in the one thread that Django shares."""
    entered, go_on = threading.Event(), threading.Event()

    consumers: Any = pytest.importorskip("channels.consumer", reason="no Channels")

    class Consumer(consumers.SyncConsumer):  # type: ignore[misc]
        def websocket_connect(self, message: Message) -> None:
            view.journal.append("+request")
            entered.set()
            go_on.wait(LIMIT)
            view.journal.append("-request")

    messages: asyncio.Queue[Message] = asyncio.Queue()
    messages.put_nowait({"type": "websocket.connect"})
    application = with_lifespan(Consumer.as_asgi(), registry)
    async with serving(application, {}):
        websocket = asyncio.ensure_future(
            application({"type": "websocket"}, messages.get, messages.put)
        )
        await asyncio.to_thread(entered.wait, LIMIT)
        if leaves == "before the shutdown":
            websocket.cancel()
            await asyncio.wait({websocket}, timeout=LIMIT)
        # Later than the shutdown, which waits for the consumer.
        asyncio.get_running_loop().call_later(0.05, go_on.set)

    await asyncio.wait({websocket}, timeout=LIMIT)
    assert view.journal == CLOSED_AFTER


async def test_a_mounted_lifespan_is_not_a_request(
    registry: Registry, view: View
) -> None:
    """The outer one waits for it, which must not wait for the outer one."""
    inner = LifespanASGIHandler(registry)
    outer = Registry()

    @lifespan_resource("mounted", registry=outer)
    def mounted() -> AbstractAsyncContextManager[State]:
        return run_asgi_lifespan(inner)

    with override_settings(LIFESPAN={"STOP_TIMEOUT": 3600, "STOP_BUDGET": 3600}):
        async with FakeServer(outer, state={}) as server:
            await server.startup()
            server.task.cancel()
            await asyncio.wait_for(asyncio.wait({server.task}), LIMIT)

    assert view.journal == ["-db"]


@counts_cancellations
@pytest.mark.parametrize("how", ["once", "twice", "anyio"])
async def test_a_cancelled_lifespan_waits_for_its_requests(
    how: str, registry: Registry, view: View
) -> None:
    """A second Ctrl-C: they clean up while the resources are open."""
    application = with_lifespan(view.app, registry)
    scope = anyio.CancelScope()

    async def app(asgi_scope: Scope, receive: Receive, send: Send) -> None:
        with scope:
            await application(asgi_scope, receive, send)

    async with FakeServer(app, state={}) as server:
        await server.startup()
        request = asyncio.ensure_future(
            application({"type": "http", "state": {}}, app, app)
        )
        await asyncio.wait_for(view.entered.wait(), LIMIT)
        request.cancel()
        if how == "anyio":
            scope.cancel()
        else:
            server.task.cancel()
            if how == "twice":
                server.task.cancel()
        await asyncio.wait({server.task, request}, timeout=LIMIT)

    assert view.journal == CLOSED_AFTER


async def test_a_request_is_recorded_until_the_outer_application_has_ended(
    registry: Registry, view: View
) -> None:
    async def answer_at_once(scope: Scope, receive: Receive, send: Send) -> None: ...

    async def router(scope: Scope, receive: Receive, send: Send) -> None:
        await with_lifespan(answer_at_once, registry)(scope, receive, send)
        await view.serve()

    request = await shut_down_during_a_request(
        with_lifespan(router, registry), view, cancels=False
    )

    await asyncio.wait({request}, timeout=LIMIT)
    assert view.journal == CLOSED_AFTER
