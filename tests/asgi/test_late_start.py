"""A lifespan that the first request starts, since the server sends none."""

from __future__ import annotations

import asyncio
import logging
import sys
from types import ModuleType
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_startup
from django_lifespan_typed.types import Message
from tests.runtime.probes import (
    BLOCKING,
    Probes,
    Raise,
    assert_closed,
    logged_errors,
)
from tests.threads.scripts import running_script

from .conftest import Connect
from .server import UNAVAILABLE, json_of, request, serving
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


def ask(
    registry: Registry, *paths: str, state: dict[str, Any] | None = None
) -> list[list[Message]]:
    """Request the *paths*, one after the other, on a new event loop."""

    async def serve() -> list[list[Message]]:
        handler = LifespanASGIHandler(registry)
        return [await request(handler, path, state=state) for path in paths]

    return asyncio.run(serve())


# --- The start


@pytest.mark.parametrize("state", [{}, None], ids=["empty state", "no state"])
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
def test_the_first_request_finds_the_value_everywhere(
    numbered: Registry, path: str, state: dict[str, Any] | None, journal: list[str]
) -> None:
    """uvicorn, gunicorn and granian pass an empty state if they send no lifespan."""
    handler = LifespanASGIHandler(numbered)
    before = list(journal)

    async def serve() -> list[Any]:
        return [json_of(await request(handler, path, state=state)) for _ in range(2)]

    served = [asyncio.run(serve()) for _ in range(2)]

    assert before == []
    assert served == [[EVERYWHERE] * 2] * 2
    assert journal == ["+number", "-number"] * 2


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
        first, *others = (
            asyncio.ensure_future(request(handler, "/everywhere-async"))
            for _ in range(4)
        )
        await entered.wait()
        first.cancel()
        await asyncio.wait({first})
        assert not any(other.done() for other in others)
        leave.set()
        return await asyncio.gather(*others)

    served = asyncio.run(serve())

    assert [json_of(sent) for sent in served] == [EVERYWHERE] * 3
    assert starts == ["+number"]


@pytest.mark.usefixtures("signals")
def test_signals_are_sent(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """Their receivers may write to the state, although the server has none."""

    async def receiver(scope: Any, state: Any, **_: Any) -> None:
        scope["state"]["one"] = state["two"] = state[NUMBER]

    connect(asgi_startup, receiver)

    (served,) = ask(numbered, "/names")

    assert json_of(served) == ["number", "one", "two"]
    started = ["asgi_lifespan", "+number", "asgi_startup"]
    assert journal == [*started, "asgi_shutdown", "-number"]


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

    ask(numbered, "/hello", "/hello")

    (warning,) = warnings_in(caplog)
    assert fix in warning


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("wsgi_environ", "django_lifespan_typed.wsgi.get_wsgi_application"),
        ("router", "run_asgi_lifespan(application)"),
    ],
    ids=["WSGI bridge", "Starlette"],
)
async def test_the_warning_fits_what_is_around_the_application(
    key: str, fix: str, numbered: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    handler = LifespanASGIHandler(numbered)

    async def around(scope: Any, receive: Any, send: Any) -> None:
        await handler({**scope, key: {}}, receive, send)

    await request(around, "/hello")

    (warning,) = warnings_in(caplog)
    assert fix in warning


async def test_invalid_settings_are_not_tried_again(numbered: Registry) -> None:
    handler = LifespanASGIHandler(numbered)
    with override_settings(LIFESPAN={"RETRY_INTERVAL": "soon"}):
        answers = [await request(handler, "/hello") for _ in range(2)]

    assert answers == [UNAVAILABLE] * 2


async def test_a_lifespan_that_reaches_another_registry_is_explained(
    numbered: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A project may give its registry to the outer of two applications only."""
    app = with_lifespan(LifespanASGIHandler(numbered), Registry())

    async with serving(app, {}) as server:
        await server.request("/hello")

    assert journal == ["+number"]
    (warning,) = warnings_in(caplog)
    assert "another registry" in warning


async def test_a_server_that_sends_the_lifespan_causes_no_warning(
    numbered: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(numbered, None) as server:
        await server.request("/hello")

    assert warnings_in(caplog) == []


# --- The shutdown


def test_the_end_of_the_loop_shuts_down_in_reverse_order(
    chained: Registry, probes: Probes, journal: list[str]
) -> None:
    """``asyncio.run`` cancels all tasks together: dependents still stop first."""
    probes.add("file", "repo", shape=BLOCKING)

    ask(chained, "/hello")

    assert journal == ["+db", "+repo", "+file", "-file", "-repo", "-db"]


# --- Failures


def test_a_failed_shutdown_is_logged(
    probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no server that could be notified."""
    problem = OSError("lost")
    probes.add("it", stop=Raise(problem))

    ask(probes.registry, "/hello")

    assert problem in logged_errors(caplog)


@pytest.mark.parametrize("problem", [OSError("no route"), SystemExit(4)], ids=repr)
def test_a_failed_startup_refuses_requests_and_is_logged_once(
    problem: BaseException,
    chained: Registry,
    probes: Probes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Later requests do not try again."""
    cache = probes.add("cache", "repo", start=Raise(problem))

    served = ask(chained, "/hello", "/hello")

    assert served == [UNAVAILABLE] * 2
    assert_closed(probes["db"], probes["repo"])
    assert len(cache.opened) == 1
    assert len([*filter(None, logged_errors(caplog))]) == 1


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


def test_a_reactor_of_daphne_that_does_not_run_is_no_reason_for_a_late_start(
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another server, in a project that has Daphne, too."""
    asyncioreactor = pytest.importorskip("twisted.internet.asyncioreactor")

    class Idle(asyncioreactor.AsyncioSelectorReactor):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self._asyncioEventloop = None

        def callWhenRunning(self, *_: object) -> None: ...

    monkeypatch.setitem(sys.modules, "daphne.server", ModuleType("daphne.server"))
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", Idle())

    async def main() -> None:
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(main())

    assert len(warnings_in(caplog)) == 1
