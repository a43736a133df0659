"""LifespanASGIHandler: requests served with the running values, held, or refused."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import django
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings
from django.urls import path

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_shutdown
from django_lifespan_typed.views import livez
from tests.runtime.probes import Hang, Probes, Raise

from .conftest import Connect
from .server import (
    STOPPED,
    UNAVAILABLE,
    FakeServer,
    json_of,
    request,
    serving,
    status_of,
)
from .urls import EVERYWHERE, NUMBER

STATES = pytest.mark.parametrize("state", [{}, None], ids=["state", "no state"])


async def never(*_: object) -> Any:
    raise AssertionError("nothing is received or sent")


# --- Served


@STATES
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
async def test_a_view_finds_the_value_everywhere(
    numbered: Registry, path: str, state: dict[str, Any] | None
) -> None:
    async with serving(numbered, state) as server:
        served = await server.request(path)

    assert json_of(served) == EVERYWHERE


async def test_requests_without_a_state_find_the_values_of_the_lifespan(
    numbered: Registry,
) -> None:
    """Test transports send none, and some hosts have the key with None."""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> str:
        found.append(scope["state"])
        return "served"

    wrapped: Any = with_lifespan(app, numbered)

    async with serving(numbered, {}) as server:
        served = await request(server.app, "/everywhere-async", state=None)
        returned = [
            await wrapped({"type": "http", **scope}, never, never)
            for scope in ({}, {"state": None})
        ]

    assert json_of(served) == EVERYWHERE
    assert returned == ["served"] * 2
    assert found == [{"number": 7}] * 2


@STATES
async def test_each_request_has_its_own_copy_of_the_state(
    numbered: Registry, state: dict[str, Any] | None
) -> None:
    async with serving(numbered, state) as server:
        served = [await server.request("/write") for _ in range(2)]

    assert [json_of(sent) for sent in served] == [["number"]] * 2


async def test_running_values_win_over_those_of_a_host(numbered: Registry) -> None:
    """The host keeps its own dictionary, and its other names stay readable."""
    state = {"number": "the host's", "theirs": 1}
    app = LifespanASGIHandler(numbered)

    async with serving(app, {}):
        names = await request(app, "/names", state=state)
        served = await request(app, "/everywhere", state=state)

    assert json_of(names) == ["number", "theirs"]
    assert json_of(served) == EVERYWHERE
    assert state == {"number": "the host's", "theirs": 1}


async def test_the_lifespan_adds_to_the_state_of_the_server(numbered: Registry) -> None:
    state: dict[str, Any] = {"theirs": 1}

    async with serving(numbered, state) as server:
        served = await server.request("/names")

    assert json_of(served) == ["number", "theirs"]
    assert state == {"number": 7, "theirs": 1}


async def test_the_server_may_clear_the_state_before_the_shutdown(
    numbered: Registry, journal: list[str], connect: Connect
) -> None:
    """granian does."""
    state: dict[str, Any] = {}
    found: list[Any] = []
    connect(asgi_shutdown, lambda state, **_: found.append(state[NUMBER]))

    async with FakeServer(numbered, state=state) as server:
        await server.startup()
        state.clear()
        stopped = await server.shutdown()

    assert stopped == STOPPED
    assert journal == ["+number", "-number"]
    assert (found, state) == ([7], {})


# --- Held


@pytest.mark.parametrize("fails", [False, True])
async def test_requests_wait_for_the_startup(probes: Probes, fails: bool) -> None:
    """A request that is cancelled meanwhile does not affect the others."""
    slow = Hang()
    probes.add("slow", start=slow)
    if fails:
        probes.add("fails", "slow", start=Raise(OSError("never")))

    async with FakeServer(probes.registry, state={}) as server:
        server.tell("lifespan.startup")
        await slow.reached()
        early = [asyncio.ensure_future(server.request("/hello")) for _ in range(3)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(waiting.done() for waiting in early)
        early[0].cancel()
        await asyncio.wait({early[0]})
        slow.release()
        await server.reply()
        served = await asyncio.gather(*early[1:])

    assert [status_of(sent) for sent in served] == [503 if fails else 200] * 2


# --- Refused


@pytest.mark.parametrize("has_state", [True, False], ids=["state", "no state"])
@pytest.mark.parametrize(
    "after",
    ["a failed startup", "a cancelled startup", "the shutdown", "a cancellation"],
)
async def test_requests_are_refused(
    probes: Probes, journal: list[str], has_state: bool, after: str
) -> None:
    """gunicorn cancels a startup of more than 30 s, and serves; others ignore both."""
    slow = Hang()
    probes.add("slow", start=slow)
    if after == "a failed startup":
        probes.add("fails", "slow", start=Raise(OSError("never")))

    state: dict[str, Any] | None = {} if has_state else None
    async with FakeServer(probes.registry, state=state) as server:
        server.tell("lifespan.startup")
        await slow.reached()
        if after != "a cancelled startup":
            slow.release()
            await server.reply()
        if after == "the shutdown":
            await server.shutdown()
        else:
            server.task.cancel()
        await server.outcome()
        served = await server.request("/hello")

    assert served == UNAVAILABLE
    assert journal.count("+slow") == 1


async def test_other_protocols_are_refused_after_the_shutdown(
    numbered: Registry,
) -> None:
    """test_channels.py shows that servers answer 403 for a websocket."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with FakeServer(numbered, state={}) as server:
        await server.startup()
        await server.shutdown()
        await server.app({"type": "websocket"}, never, send)
        with pytest.raises(ValueError, match="'mqtt'"):
            await server.app({"type": "mqtt"}, never, never)

    assert sent == [{"type": "websocket.close", "code": 1013}]


# --- The applications


async def test_the_application_serves_the_registry_it_is_given_or_the_default(
    default_registry: Registry, numbered: Registry
) -> None:
    @lifespan_resource("db")
    async def db() -> str:
        return "db"

    for application, name in (
        (get_asgi_application(), "db"),
        (get_asgi_application(numbered), "number"),
    ):
        async with serving(application, {}) as server:
            assert json_of(await server.request("/names")) == [name]

    assert get_asgi_application().registry is default_registry


def test_the_application_sets_django_up(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(django, "setup", lambda **options: calls.append(options))

    application = get_asgi_application()

    assert isinstance(application, LifespanASGIHandler)
    assert isinstance(application, ASGIHandler)
    assert calls == [{"set_prefix": False}]


async def test_a_subclass_may_leave_out_the_constructor(registry: Registry) -> None:
    """As Django's own ``ASGIStaticFilesHandler`` does."""

    class Handler(LifespanASGIHandler):
        def __init__(self) -> None:
            self.load_middleware(is_async=True)

    async with serving(Handler(), {}) as server:
        answer = await server.request("/")

    assert status_of(answer) == 404


async def test_the_liveness_probe_is_found_below_a_root_path(probes: Probes) -> None:
    """A failed startup does not hide it."""
    probes.add("cache", start=Raise(OSError("no route")))
    urls = (path("livez", livez),)
    handler = LifespanASGIHandler(probes.registry)

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await handler({**scope, "root_path": "/django"}, receive, send)

    with override_settings(ROOT_URLCONF=urls):
        async with FakeServer(mounted, state={}) as server:
            await server.startup()
            await server.outcome()
            alive = await server.request("/django/livez")
            refused = await server.request("/django/other")

    assert (status_of(alive), status_of(refused)) == (200, 503)


async def test_a_scope_can_be_copied(numbered: Registry) -> None:
    copies: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        copies.append(copy.deepcopy(scope["state"]))

    async with serving(with_lifespan(app, numbered), {}) as server:
        await server.request("/")

    assert copies == [{NUMBER.name: 7}]
