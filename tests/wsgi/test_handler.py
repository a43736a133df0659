"""``LifespanWSGIHandler`` in process, without a server."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from django_lifespan_typed import (
    Lifespan,
    LifespanRequest,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
    wsgi,
)
from django_lifespan_typed._asgi import gate as _host
from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed._threads.asgiref import use_loop
from django_lifespan_typed._threads.at_exit import AtExit
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup
from django_lifespan_typed.wsgi import LifespanWSGIHandler, get_wsgi_application
from tests.threads.conftest import Add, add, loop_threads

__all__ = ["add"]

DB = StateKey[str]("db")

# What views have found, beyond what they answer.
found: list[Any] = []


async def loop_here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def everywhere(request: LifespanRequest) -> JsonResponse:
    return JsonResponse(
        [
            get_state(request, DB),
            request.state[DB],
            request.state["db"],
            current_state()[DB],
        ],
        safe=False,
    )


async def everywhere_async(request: LifespanRequest) -> JsonResponse:
    return everywhere(request)


def loops(request: HttpRequest) -> HttpResponse:
    found.append(async_to_sync(loop_here)())
    found.append(threading.get_ident())
    return HttpResponse("sync")


async def loops_async(request: HttpRequest) -> HttpResponse:
    found.append(asyncio.get_running_loop())
    found.append(await sync_to_async(threading.get_ident)())
    return HttpResponse("async")


urlpatterns = [
    path("everywhere", everywhere),
    path("everywhere-async", everywhere_async),
    path("loops", loops),
    path("loops-async", loops_async),
]


@pytest.fixture(autouse=True)
def at_exit(monkeypatch: pytest.MonkeyPatch) -> Generator[AtExit]:
    """What the end of the process would close, closed at the end of the test."""
    own = AtExit()
    monkeypatch.setattr(_host, "at_exit", own)
    monkeypatch.setattr(wsgi, "at_exit", own)
    before = use_loop(None)
    found.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield own
        own._run(os.getpid())
    use_loop(before)
    assert loop_threads() == []
    assert running.loops() == []
    running.last_failure = None


def get(application: Any, place: str) -> tuple[str, str]:
    """The status and the body of the answer."""
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        statuses.append(status)

    environ = RequestFactory().get(place).environ
    response = application(environ, start_response)
    body = b"".join(response).decode()
    response.close()
    return statuses[0], body


def test_it_is_djangos_handler(registry: Registry) -> None:
    """Made as Django's is, and all else is Django's."""
    application = get_wsgi_application(registry)

    assert isinstance(application, LifespanWSGIHandler)
    assert isinstance(application, WSGIHandler)


def test_making_it_starts_nothing(registry: Registry, add: Add) -> None:
    """No thread: the process may be forked yet."""
    add("db")
    before = threading.active_count()

    get_wsgi_application(registry)

    assert threading.active_count() == before


@pytest.mark.parametrize("place", ["/everywhere", "/everywhere-async"])
def test_the_state_is_found_everywhere(
    place: str, registry: Registry, add: Add
) -> None:
    """By ``get_state``, ``request.state`` and ``current_state``; sync and async."""
    add("db")
    application = get_wsgi_application(registry)

    answers = {get(application, place) for _ in range(3)}

    assert answers == {("200 OK", '["the db", "the db", "the db", "the db"]')}


@pytest.mark.parametrize("place", ["/everywhere", "/everywhere-async"])
@pytest.mark.parametrize("served_first", [True, False], ids=["after", "before"])
def test_a_block_in_another_thread_changes_nothing(
    place: str, registry: Registry, add: Add, *, served_first: bool
) -> None:
    """A command that runs beside requests, with resources of its own."""
    add("db")
    other = Registry()

    @lifespan_resource("other", registry=other)
    async def _() -> str:
        return "of the block"

    application = get_wsgi_application(registry)
    with ThreadPoolExecutor(1) as threads:
        if served_first:
            threads.submit(get, application, place).result()
        with Lifespan(other):
            answer = threads.submit(get, application, place).result()
            inside = dict(current_state())

    assert answer == ("200 OK", '["the db", "the db", "the db", "the db"]')
    assert inside == {"other": "of the block"}


def test_without_a_registry_it_is_the_default_one(
    monkeypatch: pytest.MonkeyPatch, registry: Registry, add: Add, journal: list[str]
) -> None:
    """What ``@lifespan_resource`` fills."""
    add("db")
    monkeypatch.setattr(default_registry, "_resources", registry._resources)
    application = get_wsgi_application()

    status, _ = get(application, "/everywhere")

    assert (status, journal) == ("200 OK", ["+db"])


def test_every_view_runs_on_the_loop_of_the_resources(registry: Registry) -> None:
    """And sync code under an async view in the thread of the request."""

    @lifespan_resource("loop", registry=registry)
    async def loop() -> AsyncGenerator[asyncio.AbstractEventLoop]:
        found.append(asyncio.get_running_loop())
        yield asyncio.get_running_loop()

    application = get_wsgi_application(registry)

    with ThreadPoolExecutor(1) as threads:
        ident = threads.submit(threading.get_ident).result()
        for place in ("/loops", "/loops-async"):
            threads.submit(get, application, place).result()

    (the_loop, *rest) = found
    assert rest == [the_loop, ident] * 2


def test_first_requests_at_once_start_once(
    registry: Registry, journal: list[str]
) -> None:
    """All wait for the one start, and all are served."""
    entered, release = threading.Event(), threading.Event()

    @lifespan_resource(DB, registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        entered.set()
        await asyncio.to_thread(release.wait, 30)
        yield "the db"

    application = get_wsgi_application(registry)
    together = threading.Barrier(8, timeout=30)

    def request() -> str:
        together.wait()
        return get(application, "/everywhere")[0]

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(request) for _ in range(8)]
        assert entered.wait(30)
        served_early = any(answer.done() for answer in answers)
        release.set()
        statuses = {answer.result() for answer in answers}

    assert not served_early
    assert statuses == {"200 OK"}
    assert journal == ["+db"]


def test_two_applications_of_a_registry_share_a_lifespan(
    registry: Registry, add: Add, journal: list[str], at_exit: AtExit
) -> None:
    """Opened once and closed once."""
    add("db")
    applications = [get_wsgi_application(registry), get_wsgi_application(registry)]

    statuses = [get(application, "/everywhere")[0] for application in applications]
    at_exit._run(os.getpid())

    assert statuses == ["200 OK"] * 2
    assert journal == ["+db", "-db"]


def test_a_failed_start_is_logged_and_refused(
    registry: Registry,
    add: Add,
    journal: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Tried once: every request gets a 503, and the log has the traceback."""
    one = add("one")

    @lifespan_resource("broken", registry=registry, needs=(one,))
    async def broken(_: str) -> AsyncGenerator[int]:
        raise RuntimeError("no route to host")
        yield 1

    application = get_wsgi_application(registry)

    answers = {get(application, "/everywhere") for _ in range(3)}

    assert answers == {
        (
            "503 Service Unavailable",
            "Service Unavailable: the application is not running.\n",
        )
    }
    assert journal == ["+one", "-one"]
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage() == "the lifespan failed to start"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


def test_the_end_of_the_process_closes_and_then_refuses(
    registry: Registry, add: Add, journal: list[str], at_exit: AtExit
) -> None:
    """A request that comes so late is not served half-alive."""
    add("db")
    application = get_wsgi_application(registry)
    get(application, "/everywhere")

    at_exit._run(os.getpid())
    threads = loop_threads()
    late = get(application, "/everywhere"), get(LifespanWSGIHandler(registry), "/loops")

    assert journal == ["+db", "-db"]
    assert threads == loop_threads() == []
    assert {status for status, _ in late} == {"503 Service Unavailable"}


def test_a_failed_stop_is_logged(
    registry: Registry, at_exit: AtExit, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nobody to raise it to."""

    @lifespan_resource(DB, registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "the db"
        raise RuntimeError("still in use")

    get(get_wsgi_application(registry), "/everywhere")
    at_exit._run(os.getpid())

    messages = [one.getMessage() for one in caplog.records if one.levelno >= 40]
    assert messages == ["failed to stop 'db'", "the lifespan failed to stop"]
    assert loop_threads() == []


def test_signals_are_sent_under_wsgi_too(registry: Registry, at_exit: AtExit) -> None:
    """Start-up and shutdown handlers need not know the server."""
    sent: list[str] = []

    async def on_startup(**_: Any) -> None:
        sent.append("startup")

    def on_shutdown(**_: Any) -> None:
        sent.append("shutdown")

    asgi_startup.connect(on_startup)
    asgi_shutdown.connect(on_shutdown)
    try:
        get(get_wsgi_application(registry), "/loops")
        at_exit._run(os.getpid())
    finally:
        asgi_startup.disconnect(on_startup)
        asgi_shutdown.disconnect(on_shutdown)

    assert sent == ["startup", "shutdown"]


# --- What is closed at exit


def test_at_exit_the_latest_is_first_and_each_once() -> None:
    """As it is with ``atexit``."""
    order: list[int] = []
    closes = AtExit()

    for number in (1, 2, 3):
        closes.add(lambda number=number: order.append(number))
    closes._run(os.getpid())
    closes._run(os.getpid())

    assert order == [3, 2, 1]


def test_at_exit_one_failure_keeps_no_other_from_closing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged."""
    order: list[int] = []
    closes = AtExit()

    closes.add(lambda: order.append(1))
    closes.add(lambda: 1 / 0)
    closes.add(lambda: order.append(3))
    closes._run(os.getpid())

    assert order == [3, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "what was to be closed at exit failed to close"
    ]


def test_at_exit_what_was_discarded_is_not_called() -> None:
    """Discarded twice, too."""
    order: list[int] = []
    closes = AtExit()

    def close() -> None:
        order.append(1)

    closes.add(close)
    closes.discard(close)
    closes.discard(close)
    closes._run(os.getpid())

    assert order == []


def test_at_exit_another_process_closes_nothing() -> None:
    """What a fork inherits is its parent's."""
    order: list[int] = []
    closes = AtExit()

    closes.add(lambda: order.append(1))
    closes._run(os.getpid() + 1)

    assert order == []
