"""Requests that a server has cancelled, and those that it has not, at its shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
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
from django_lifespan_typed.types import ASGIApplication, Receive, Scope, Send

from .server import LIMIT, FakeServer

told = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="nobody can tell who is cancelled on 3.10"
)
left_behind = pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django 4.2 runs a view in the request's own task"
)

Serve = Callable[[], Awaitable[None]]


class Place:
    """What the one view does, and what has happened."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.left = asyncio.Event()
        self.at_the_end: Serve = self.nothing
        self.requests: list[Any] = []

    async def nothing(self) -> None: ...

    async def serve(self) -> None:
        self.journal.append("+request")
        self.entered.set()
        try:
            await self.go_on.wait()
        finally:
            await self.at_the_end()
            self.journal.append("-request")
            self.left.set()


@pytest.fixture
def place(registry: Registry) -> Generator[Place]:
    """Where the view is, with a resource that says when it is closed."""
    place = Place()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[int]:
        yield 1
        place.journal.append("-db")

    async def view(request: HttpRequest) -> HttpResponse:
        place.requests.append(request)
        await place.serve()
        return HttpResponse("served")

    with override_settings(ROOT_URLCONF=(path("", view),)):
        yield place
    for request in place.requests:
        # Django closes no body of a request that is cancelled; the log keeps this one.
        request._stream.close()


async def cut_off(
    app: ASGIApplication, place: Place, *, cancels: bool = True
) -> asyncio.Task[Any]:
    """A shutdown that comes in the moment in which a request is cancelled."""
    async with FakeServer(app, state={}) as server:
        await server.startup()
        request = asyncio.ensure_future(server.request("/"))
        await asyncio.wait_for(place.entered.wait(), LIMIT)
        if cancels:
            request.cancel()
        await server.shutdown()
    return request


@left_behind
async def test_a_view_that_django_left_is_cancelled(
    registry: Registry, place: Place
) -> None:
    """And waited for, with all that it cleans up."""

    async def clean_up() -> None:
        for _ in range(9):
            await asyncio.sleep(0)

    place.at_the_end = clean_up
    await cut_off(LifespanASGIHandler(registry), place)

    assert place.journal == ["+request", "-request", "-db"]


@left_behind
@pytest.mark.parametrize("limit", [3600, float("inf")], ids=["limit", "no limit"])
async def test_nobody_is_told_that_its_client_has_gone(
    limit: float, registry: Registry, place: Place
) -> None:
    """A view that answers now cannot send: asyncio would complain of that error."""
    complaints: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    handler = LifespanASGIHandler(registry)

    async def fail() -> None:
        raise ValueError("nothing to clean up")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def lost(message: object) -> None:
            raise OSError("the client has gone")

        await handler(scope, receive, send if scope["type"] == "lifespan" else lost)

    place.at_the_end = fail
    with override_settings(LIFESPAN={"STOP_TIMEOUT": limit}):
        await cut_off(app, place)
    gc.collect()

    assert place.journal == ["+request", "-db"]
    assert complaints == []


@left_behind
async def test_a_view_that_does_not_end_keeps_nothing_open(
    registry: Registry, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """It has STOP_TIMEOUT; the log says that resources are closed under it."""
    end = asyncio.Event()

    async def hang() -> None:
        await end.wait()

    place.at_the_end = hang
    caplog.set_level(logging.WARNING, "django_lifespan_typed")
    with override_settings(LIFESPAN={"STOP_TIMEOUT": 0.05}):
        await cut_off(LifespanASGIHandler(registry), place)

    assert place.journal == ["+request", "-db"]
    assert "\n".join(caplog.messages) == (
        "requests did not end within 0.05 s of being cancelled, and resources are "
        "closed under them: 1"
    )
    place.at_the_end = place.nothing
    end.set()
    await asyncio.wait_for(place.left.wait(), LIMIT)


async def test_a_request_that_nobody_has_cancelled_is_left_alone(
    registry: Registry, place: Place
) -> None:
    """Servers that let requests finish have done so by then; others mean it."""
    request = await cut_off(LifespanASGIHandler(registry), place, cancels=False)

    assert place.journal == ["+request", "-db"]
    place.go_on.set()
    assert (await request)[0]["status"] == 200


@told
async def test_any_application_is_waited_for(registry: Registry, place: Place) -> None:
    """It is cancelled in the moment of the shutdown, and cleans up."""

    async def clean_up() -> None:
        for _ in range(9):
            await asyncio.sleep(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await place.serve()

    place.at_the_end = clean_up
    await cut_off(with_lifespan(app, registry), place)

    assert place.journal == ["+request", "-request", "-db"]


@told
async def test_a_lifespan_that_is_cancelled_is_no_request(
    registry: Registry, place: Place
) -> None:
    """It waits for the stop of what is mounted in it, which does not wait for it."""
    inner = LifespanASGIHandler(registry)
    outer = Registry()

    @lifespan_resource("mounted", registry=outer)
    def mounted() -> AbstractAsyncContextManager[dict[str, Any]]:
        return run_asgi_lifespan(inner)

    with override_settings(LIFESPAN={"STOP_TIMEOUT": 3600, "STOP_BUDGET": 3600}):
        async with FakeServer(LifespanASGIHandler(outer), state={}) as server:
            await server.startup()
            server.task.cancel()
            await asyncio.wait_for(asyncio.wait({server.task}), LIMIT)

    assert place.journal == ["-db"]


@told
@pytest.mark.parametrize("how", ["its server", "the loop", "anyio"])
async def test_a_lifespan_that_is_cancelled_waits_for_requests_that_are(
    how: str, registry: Registry, place: Place
) -> None:
    """A second Ctrl-C: they clean up with what is open still."""

    async def clean_up() -> None:
        for _ in range(9):
            await asyncio.sleep(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await place.serve()

    place.at_the_end = clean_up
    application = with_lifespan(app, registry)
    scope = anyio.CancelScope()

    async def served(scope_of_it: Scope, receive: Receive, send: Send) -> None:
        with scope:
            await application(scope_of_it, receive, send)

    async with FakeServer(served, state={}) as server:
        await server.startup()
        request = asyncio.ensure_future(
            application({"type": "http", "state": {}}, served, served)
        )
        await asyncio.wait_for(place.entered.wait(), LIMIT)
        request.cancel()
        if how == "anyio":
            scope.cancel()
        else:
            server.task.cancel()
            if how == "its server":
                server.task.cancel()
        await asyncio.wait({server.task, request})

    assert place.journal == ["+request", "-request", "-db"]


@told
async def test_a_lifespan_that_is_cancelled_does_not_wait_for_long(
    registry: Registry, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that cancels it leaves little time."""
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await place.serve()

    async def hang() -> None:
        await go_on.wait()

    place.at_the_end = hang
    application = with_lifespan(app, registry)
    with override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.05, "STOP_TIMEOUT": 3600}):
        async with FakeServer(application, state={}) as server:
            await server.startup()
            request = asyncio.ensure_future(application({"type": "http"}, app, app))
            await asyncio.wait_for(place.entered.wait(), LIMIT)
            request.cancel()
            server.task.cancel()
            await asyncio.wait({server.task})
    closed = place.journal.copy()
    go_on.set()
    await asyncio.wait({request})

    assert closed == ["+request", "-db"]
    assert "requests did not end within 0.05 s" in caplog.text
