"""Requests through the handler: held, served, refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import django
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.dispatch import Signal

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.asgi import get_asgi_application
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_shutdown

from . import urls
from .server import (
    STARTED,
    STOPPED,
    UNAVAILABLE,
    FakeServer,
    body_of,
    http_scope,
    request,
    status_of,
)
from .urls import NUMBER


@pytest.fixture
def numbered(registry: Registry, journal: list[str]) -> Registry:
    """A registry of the one resource that the views read."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        journal.append("+number")
        yield 7
        journal.append("-number")

    return registry


@pytest.fixture
def held() -> Generator[dict[str, Any]]:
    """What holds the view ``/hold`` open."""
    urls.held.update(entered=asyncio.Event(), leave=asyncio.Event())
    yield urls.held
    urls.held.clear()


async def never(*_: object) -> Any:
    raise AssertionError("nothing is read or sent")


EVERYWHERE = {"get_state": 7, "request.state": 7, "by name": 7, "current_state": 7}


# --- Served


@pytest.mark.parametrize(
    "state", [pytest.param({}, id="state"), pytest.param(None, id="no state in scope")]
)
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
async def test_a_view_finds_the_value_everywhere(
    numbered: Registry, path: str, state: dict[str, Any] | None
) -> None:
    """On the request, by key and by name, in sync and async views alike."""
    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        served = await server.request(path)
        await server.shutdown()

    assert json.loads(body_of(served)) == EVERYWHERE


async def test_a_server_may_drop_the_state_from_its_requests(
    numbered: Registry,
) -> None:
    """Test transports run a lifespan with a state, and requests without one."""
    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        served = await request(server.app, "/everywhere-async", state=None)
        await server.shutdown()

    assert json.loads(body_of(served)) == EVERYWHERE


async def test_without_a_state_each_request_has_its_own_copy(
    numbered: Registry,
) -> None:
    """What one request writes on its state, the next does not see."""
    async with FakeServer(LifespanASGIHandler(numbered), state=None) as server:
        await server.startup()
        first = await server.request("/write")
        second = await server.request("/write")
        await server.shutdown()

    assert json.loads(body_of(first)) == ["number"]
    assert json.loads(body_of(second)) == ["number"]


async def test_what_the_server_put_on_the_state_stays(numbered: Registry) -> None:
    """A state that other middleware filled is added to, not replaced."""
    async with FakeServer(LifespanASGIHandler(numbered), state={"theirs": 1}) as server:
        await server.startup()
        served = await server.request("/names")
        await server.shutdown()

    assert json.loads(body_of(served)) == ["number", "theirs"]


async def test_values_stay_readable_after_the_shutdown(numbered: Registry) -> None:
    """Late requests read the state that they were given."""
    state: dict[str, Any] = {}
    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        of_a_request = state.copy()
        await server.shutdown()

    assert state == {"number": 7}
    assert of_a_request == {"number": 7}


async def test_a_request_that_outlives_the_shutdown_reads_its_state(
    numbered: Registry, held: dict[str, Any], journal: list[str]
) -> None:
    """A server that stops too early breaks no request that reads its values."""
    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        late = asyncio.ensure_future(server.request("/hold"))
        await held["entered"].wait()
        stopped = await server.shutdown()
        held["leave"].set()
        served = await late

    assert stopped == STOPPED
    assert journal == ["+number", "-number"]
    assert body_of(served) == "7"


async def test_the_server_may_clear_the_state_before_the_shutdown(
    numbered: Registry,
    journal: list[str],
    connect: Callable[[Signal, Any], None],
) -> None:
    """granian does: resources are closed, receivers still find the values."""
    state: dict[str, Any] = {}
    found: list[Any] = []
    connect(asgi_shutdown, lambda state, **_: found.append(state[NUMBER]))

    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        state.clear()
        stopped = await server.shutdown()

    assert stopped == STOPPED
    assert journal == ["+number", "-number"]
    assert found == [7]
    assert state == {}


# --- Held


async def test_requests_wait_for_the_start(registry: Registry) -> None:
    """What comes while resources start is served when they have started."""
    entered, leave = asyncio.Event(), asyncio.Event()

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        entered.set()
        await leave.wait()
        yield 7

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        early = [
            asyncio.ensure_future(server.request("/everywhere-async")) for _ in range(3)
        ]
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(waiting.done() for waiting in early)
        leave.set()
        started = await server.reply()
        served = await asyncio.gather(*early)
        await server.shutdown()

    assert started == STARTED
    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 3


async def test_requests_that_waited_for_a_failed_start_are_refused(
    registry: Registry,
) -> None:
    """Nobody is left waiting for what will not come."""
    entered, leave = asyncio.Event(), asyncio.Event()

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        entered.set()
        await leave.wait()
        raise OSError("never")
        yield 7

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        early = asyncio.ensure_future(server.request("/hello"))
        await asyncio.sleep(0)
        leave.set()
        failed = await server.reply()
        served = await early

    assert failed["type"] == "lifespan.startup.failed"
    assert served == UNAVAILABLE


async def test_a_client_that_stops_waiting_does_not_stop_the_start(
    registry: Registry,
) -> None:
    """A cancelled request is its own affair."""
    entered, leave = asyncio.Event(), asyncio.Event()

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        entered.set()
        await leave.wait()
        yield 7

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        impatient = asyncio.ensure_future(server.request("/hello"))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait({impatient})
        leave.set()
        started = await server.reply()
        served = await server.request("/hello")
        await server.shutdown()

    assert impatient.cancelled()
    assert started == STARTED
    assert body_of(served) == "hello"


# --- Refused


async def test_after_a_failed_start_requests_are_refused(registry: Registry) -> None:
    """Some servers go on serving: without resources, that is a 503."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        raise OSError("never")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        await server.outcome()
        served = await server.request("/hello")

    assert served == UNAVAILABLE


async def test_after_a_cancelled_start_requests_are_refused(
    registry: Registry,
) -> None:
    """gunicorn cancels a start of more than 30 s, says nothing, and serves."""
    entered = asyncio.Event()

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        entered.set()
        await asyncio.Event().wait()
        yield 7

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        server.task.cancel()
        await server.outcome()
        served = await server.request("/hello")

    assert served == UNAVAILABLE


@pytest.mark.parametrize(
    "state", [pytest.param({}, id="state"), pytest.param(None, id="no state in scope")]
)
async def test_after_the_stop_requests_are_refused(
    numbered: Registry, state: dict[str, Any] | None
) -> None:
    """What is closed is not handed out."""
    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        before = await server.request("/hello")
        await server.shutdown()
        after = await server.request("/hello")

    assert status_of(before) == 200
    assert after == UNAVAILABLE


async def test_after_a_cancelled_lifespan_requests_are_refused(
    numbered: Registry,
) -> None:
    """A cancellation is a shutdown, for requests too."""
    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        server.task.cancel()
        await server.outcome()
        served = await server.request("/hello")

    assert served == UNAVAILABLE


async def test_after_the_stop_a_websocket_is_closed(numbered: Registry) -> None:
    """Closed with 1013, which is "try again later" (RFC 6455, IANA's registry)."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        await server.shutdown()
        await server.app({"type": "websocket"}, never, send)

    assert sent == [{"type": "websocket.close", "code": 1013}]


async def test_after_the_stop_another_protocol_is_an_error(numbered: Registry) -> None:
    """Nobody knows how to refuse it, so the error says which one it was."""
    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        await server.shutdown()
        with pytest.raises(ValueError) as caught:
            await server.app({"type": "mqtt"}, never, never)

    assert str(caught.value) == "no lifespan runs for a connection of 'mqtt'"


# --- The application


async def test_the_application_serves_the_default_registry(
    default: Registry, journal: list[str]
) -> None:
    """``get_asgi_application()`` starts what ``@lifespan_resource`` registered."""

    @lifespan_resource("db")
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    async with FakeServer(get_asgi_application(), state={}) as server:
        await server.startup()
        await server.shutdown()

    assert journal == ["+db", "-db"]


async def test_the_application_serves_another_registry(
    default: Registry, numbered: Registry, journal: list[str]
) -> None:
    """A registry that is named is the only one that is started."""

    @lifespan_resource("db")
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"

    async with FakeServer(get_asgi_application(numbered), state={}) as server:
        await server.startup()
        await server.shutdown()

    assert journal == ["+number", "-number"]


def test_the_application_sets_django_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Django's own does, without a script prefix."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(django, "setup", lambda **options: calls.append(options))

    application = get_asgi_application()

    assert isinstance(application, LifespanASGIHandler)
    assert isinstance(application, ASGIHandler)
    assert calls == [{"set_prefix": False}]


async def test_what_registers_late_starts_too(registry: Registry) -> None:
    """The registry is read when the server says startup, not at import."""
    handler = LifespanASGIHandler(registry)

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        return 7

    async with FakeServer(handler, state={}) as server:
        await server.startup()
        served = await server.request("/names")
        await server.shutdown()

    assert json.loads(body_of(served)) == ["number"]


# --- As Django's own handler

REQUESTS: dict[str, dict[str, Any]] = {
    "async view": {"path": "/hello"},
    "sync view": {"path": "/hello-sync"},
    "query": {"path": "/echo?a=1&b=2"},
    "body": {"path": "/echo", "method": "POST", "body": b"\x00" * 70_000},
    "cookie": {"path": "/echo", "headers": {b"cookie": b"seen=no"}},
    "HEAD": {"path": "/hello", "method": "HEAD"},
    "redirect": {"path": "/redirect"},
    "not found": {"path": "/absent"},
    "broken view": {"path": "/broken"},
    "stream": {"path": "/stream"},
    "bad content-length": {
        "path": "/echo",
        "headers": {b"content-length": b"nonsense"},
    },
    "aborted body": {"path": "/echo", "aborted": True},
}


@pytest.mark.parametrize("options", REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize(
    "state", [pytest.param({}, id="state"), pytest.param(None, id="no state in scope")]
)
async def test_http_is_as_through_djangos_own_handler(
    numbered: Registry, options: dict[str, Any], state: dict[str, Any] | None
) -> None:
    """Message for message, header for header, nothing changes for a client."""
    expected = await request(ASGIHandler(), **options)

    async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
        await server.startup()
        served = await server.request(**options)
        await server.shutdown()

    assert served == expected


@pytest.mark.filterwarnings(
    "ignore:StreamingHttpResponse must consume synchronous:Warning"
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/stream-sync", "onetwo", id="stream"),
        pytest.param("/file", "x" * 100_000, id="file"),
    ],
)
async def test_a_sync_stream_is_as_through_djangos_own_handler(
    numbered: Registry, path: str, body: str
) -> None:
    """Django reads it at once, and warns; so it does here."""
    expected = await request(ASGIHandler(), path)

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        served = await server.request(path)
        await server.shutdown()

    assert served == expected
    assert body_of(served) == body


@pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django 4.2 does not listen for a disconnect"
)
@pytest.mark.parametrize("ours", [False, True], ids=["Django's", "ours"])
async def test_a_client_that_leaves_cancels_its_view(
    numbered: Registry, held: dict[str, Any], ours: bool
) -> None:
    """A disconnect reaches the view in the same way."""
    left = asyncio.Event()

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        asking = asyncio.ensure_future(
            request(
                server.app if ours else ASGIHandler(),
                "/hold",
                state={"number": 7},
                disconnected=left,
            )
        )
        await held["entered"].wait()
        left.set()
        sent = await asking
        await server.shutdown()

    assert sent == []
    assert held["cancelled"]


@pytest.mark.parametrize("ours", [False, True], ids=["Django's", "ours"])
async def test_other_protocols_are_refused_in_djangos_words(
    numbered: Registry, ours: bool
) -> None:
    """A running lifespan changes nothing for what Django does not serve."""

    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        app = server.app if ours else ASGIHandler()
        with pytest.raises(ValueError) as caught:
            await app({**http_scope("/"), "type": "websocket"}, never, never)
        await server.shutdown()

    assert str(caught.value) == (
        "Django can only handle ASGI/HTTP connections, not websocket."
    )
