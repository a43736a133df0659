"""A lifespan that the first request starts, since the server sends none."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import suppress
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import pytest

from django_lifespan_typed import (
    Registry,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup
from tests.threads.scripts import running_script

from .conftest import Connect
from .server import UNAVAILABLE, FakeServer, body_of, request, status_of
from .urls import EVERYWHERE, NUMBER


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the imported servers from the warning."""
    for name in ("uvicorn", "gunicorn", "granian", "hypercorn", "daphne.server"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The messages of our own warnings."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "django_lifespan_typed" and record.levelno == logging.WARNING
    ]


def errors_in(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """The exceptions of our own log records."""
    return [
        record.exc_info and record.exc_info[1]
        for record in caplog.records
        if record.name == "django_lifespan_typed" and record.levelno == logging.ERROR
    ]


# --- The start


@pytest.mark.parametrize("state", [{}, None], ids=["empty state", "no state"])
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
def test_the_first_request_finds_the_value_everywhere(
    numbered: Registry, path: str, state: dict[str, Any] | None
) -> None:
    """uvicorn, gunicorn and granian pass an empty state if they send no lifespan."""

    async def serve() -> list[Any]:
        handler = LifespanASGIHandler(numbered)
        return [await request(handler, path, state=state) for _ in range(2)]

    served = asyncio.run(serve())

    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 2


def test_nothing_starts_before_the_first_request(
    numbered: Registry, journal: list[str]
) -> None:
    """Reloaders and commands make the application, too."""

    async def serve() -> list[str]:
        handler = LifespanASGIHandler(numbered)
        await asyncio.sleep(0)
        before = list(journal)
        await request(handler, "/hello")
        return before

    assert asyncio.run(serve()) == []
    assert journal == ["+number", "-number"]


def test_concurrent_first_requests_share_one_startup(registry: Registry) -> None:
    """It goes on although the request that caused it is cancelled."""
    starts: list[str] = []

    async def serve() -> list[Any]:
        entered, leave = asyncio.Event(), asyncio.Event()

        @lifespan_resource(NUMBER, registry=registry)
        async def number() -> int:
            starts.append("+number")
            entered.set()
            await leave.wait()
            return 7

        handler = LifespanASGIHandler(registry)
        first = asyncio.ensure_future(request(handler, "/everywhere-async"))
        others = [
            asyncio.ensure_future(request(handler, "/everywhere-async"))
            for _ in range(3)
        ]
        await entered.wait()
        first.cancel()
        await asyncio.wait({first})
        assert not any(other.done() for other in others)
        leave.set()
        return await asyncio.gather(*others)

    served = asyncio.run(serve())

    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 3
    assert starts == ["+number"]


def test_resources_do_not_see_the_context_of_the_first_request(
    registry: Registry,
) -> None:
    language: ContextVar[str] = ContextVar("language", default="en")
    seen: list[str] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        seen.append(language.get())
        return 7

    async def serve() -> None:
        language.set("de")
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(serve())

    assert seen == ["en"]


def test_signals_are_sent(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """Their receivers may write to the state, although the server has none."""
    seen: list[Any] = []

    def receiver(signal: Any, scope: Any, state: Any, **_: Any) -> None:
        journal.append("startup" if signal is asgi_startup else "shutdown")
        seen.append((scope["type"], state[NUMBER]))
        scope["state"]["one"] = 1
        state["two"] = 2

    connect(asgi_startup, receiver)
    connect(asgi_shutdown, receiver)

    async def serve() -> Any:
        return await request(LifespanASGIHandler(numbered), "/names")

    assert body_of(asyncio.run(serve())) == '["number", "one", "two"]'
    assert journal == ["+number", "startup", "shutdown", "-number"]
    assert seen == [("lifespan", 7), ("lifespan", 7)]


def test_code_without_a_request_finds_the_values(numbered: Registry) -> None:
    async def serve() -> tuple[int, int]:
        await request(LifespanASGIHandler(numbered), "/hello")
        return current_state()[NUMBER], get_state({"type": "http"}, NUMBER)

    assert asyncio.run(serve()) == (7, 7)


async def test_a_request_outside_of_any_task_is_served(numbered: Registry) -> None:
    """A server may call the application in a callback of its loop."""
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ended.set_result((asyncio.current_task(), scope["state"]))

    application: Any = with_lifespan(app, numbered)

    def drive() -> None:
        serving = application({"type": "http"}, app, app)
        with suppress(StopIteration):
            serving.send(None)
        serving.close()

    async with FakeServer(application, state=None) as server:
        await server.startup()
        asyncio.get_running_loop().call_soon(drive)
        served = await asyncio.wait_for(ended, 30)
        await server.shutdown()

    assert served == (None, {"number": 7})


# --- The warning


@pytest.mark.parametrize(
    ("server", "fix"),
    [
        (None, "async with Lifespan()"),
        ("uvicorn", "--lifespan on"),
        ("gunicorn", "--asgi-lifespan on"),
        ("granian", "--interface asgi"),
        ("hypercorn", "hypercorn sends it"),
    ],
)
def test_one_warning_names_the_option_of_the_server(
    *,
    numbered: Registry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    server: str | None,
    fix: str,
) -> None:
    if server is not None:
        monkeypatch.setitem(sys.modules, server, ModuleType(server))

    async def serve() -> None:
        handler = LifespanASGIHandler(numbered)
        await asyncio.gather(*(request(handler, "/hello") for _ in range(3)))
        await request(handler, "/hello")

    asyncio.run(serve())

    (warning,) = warnings_in(caplog)
    assert fix in warning


async def test_a_lifespan_that_reaches_another_registry_is_explained(
    numbered: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A project may give its registry to the outer of two applications only."""
    app = with_lifespan(LifespanASGIHandler(numbered), Registry())

    async with FakeServer(app, state={}) as server:
        await server.startup()
        await server.request("/hello")
        await server.shutdown()

    assert journal == ["+number"]
    (warning,) = warnings_in(caplog)
    assert "another registry" in warning


@pytest.mark.parametrize("state", [{}, None], ids=["state", "no state"])
async def test_a_server_that_sends_the_lifespan_causes_no_warning(
    numbered: Registry,
    caplog: pytest.LogCaptureFixture,
    state: dict[str, Any] | None,
) -> None:
    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        await server.request("/hello")
        await server.shutdown()

    assert warnings_in(caplog) == []


# --- The shutdown


def test_the_end_of_the_loop_shuts_down_in_reverse_order(
    chained: Registry, journal: list[str]
) -> None:
    """``asyncio.run`` cancels all tasks together: dependents still stop first."""

    @lifespan_resource("file", needs=(chained["repo"],), registry=chained)
    def file(repo: str) -> Generator[str]:
        journal.append("+file")
        yield "file"
        journal.append("-file")

    async def serve() -> None:
        await request(LifespanASGIHandler(chained), "/hello")

    asyncio.run(serve())

    assert journal == ["+db", "+repo", "+file", "-file", "-repo", "-db"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_receivers_run_before_the_resources_close_at_the_end_of_the_loop(
    *,
    numbered: Registry,
    journal: list[str],
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    is_async: bool,
) -> None:
    def plain(**_: Any) -> None:
        journal.append("asgi_shutdown")

    async def awaited(**_: Any) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        journal.append("asgi_shutdown")

    connect(asgi_shutdown, awaited if is_async else plain)

    async def serve() -> None:
        await request(LifespanASGIHandler(numbered), "/hello")

    asyncio.run(serve())

    assert journal == ["+number", "asgi_shutdown", "-number"]
    assert errors_in(caplog) == []


def test_the_end_of_the_loop_during_the_startup_closes_everything(
    chained: Registry, journal: list[str]
) -> None:
    async def serve() -> None:
        entered = asyncio.Event()

        @lifespan_resource("slow", needs=(chained["repo"],), registry=chained)
        async def slow(repo: str) -> AsyncGenerator[None]:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                journal.append("slow cancelled")
            yield

        asking = asyncio.ensure_future(request(LifespanASGIHandler(chained), "/hello"))
        await entered.wait()
        assert not asking.done()

    asyncio.run(serve())

    assert journal == ["+db", "+repo", "slow cancelled", "-repo", "-db"]


def test_a_failed_shutdown_is_logged(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no server that could be notified."""
    problem = OSError("lost")

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7
        raise problem

    async def serve() -> None:
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(serve())

    assert problem in errors_in(caplog)


def test_each_loop_has_a_lifespan(numbered: Registry, journal: list[str]) -> None:
    handler = LifespanASGIHandler(numbered)

    def serve() -> Coroutine[Any, Any, Any]:
        return request(handler, "/everywhere-async")

    served = [asyncio.run(serve()), asyncio.run(serve())]

    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 2
    assert journal == ["+number", "-number"] * 2


# --- A failed startup


def test_a_failed_startup_refuses_requests_and_is_logged_once(
    chained: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Later requests do not try again."""
    problem = OSError("no route")

    @lifespan_resource("cache", needs=(chained["repo"],), registry=chained)
    async def cache(repo: str) -> str:
        raise problem

    async def serve() -> list[Any]:
        handler = LifespanASGIHandler(chained)
        together = await asyncio.gather(
            request(handler, "/hello"), request(handler, "/hello")
        )
        return [*together, await request(handler, "/hello")]

    served = asyncio.run(serve())

    assert served == [UNAVAILABLE] * 3
    assert journal == ["+db", "+repo", "-repo", "-db"]
    assert errors_in(caplog) == [problem]


def test_a_factory_that_raises_system_exit_refuses_requests(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not end the loop."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        raise SystemExit(4)

    async def serve() -> list[Any]:
        handler = LifespanASGIHandler(registry)
        return [await request(handler, "/hello") for _ in range(2)]

    served = asyncio.run(serve())

    assert [status_of(sent) for sent in served] == [503, 503]
    assert len(errors_in(caplog)) == 1


# --- The end of the process


SERVED_BY_A_THREAD = """
from django_lifespan_typed.asgi import with_lifespan

async def app(scope: Any, receive: Any, send: Any) -> None:
    say(get_state(scope, pool) == f"pool of {os.getpid()}")

async def ask() -> None:
    await with_lifespan(app)({"type": "http"}, app, app)

def serve() -> None:
    threading.main_thread().join()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask())
    loops.append(loop)  # never closed

loops: list[Any] = []
threading.Thread(target=serve).start()
"""


def test_a_lifespan_started_after_the_main_thread_is_shut_down() -> None:
    """A server may run in a thread that is no daemon."""
    with running_script(SERVED_BY_A_THREAD) as child:
        assert child.wait() == 0, child.output

    lines = [line for line in child.lines if "lifespan" not in line]
    assert lines[:3] == ["+pool", "True", "-pool"]


CLOSED_LOOP = """
from django_lifespan_typed.asgi import with_lifespan

async def app(scope: Any, receive: Any, send: Any) -> None:
    say(current_state()[pool] == f"pool of {os.getpid()}")

loop = asyncio.new_event_loop()
loop.run_until_complete(with_lifespan(app)({"type": "http"}, app, app))
loop.close()
say("closed")
"""


def test_a_loop_closed_too_early_does_not_delay_the_end_of_the_process() -> None:
    with running_script(CLOSED_LOOP) as child:
        assert child.wait() == 0, child.output

    # asyncio may complain about the task that is still pending.
    expected = ["+pool", "True", "closed"]
    assert [line for line in child.lines if line in expected] == expected
    assert "failed" not in child.output
