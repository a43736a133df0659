"""Every module and name that users of django-asgi-lifespan write."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.dispatch import Signal
from django.test import AsyncClient, override_settings
from django.test.client import AsyncClient as DjangosAsyncClient

from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed.asgi import get_asgi_application
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.middleware import AsyncMiddleware
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.signals import asgi_lifespan, asgi_shutdown, asgi_startup
from django_lifespan_typed.testing import LifespanAwareAsyncClient
from django_lifespan_typed.types import LifespanManager, State

NAMES = {
    "asgi": ["get_asgi_application"],
    "handler": ["LifespanASGIHandler"],
    "middleware": ["AsyncMiddleware", "LifespanStateMiddleware"],
    "register": ["register_lifespan_manager"],
    "signals": ["asgi_lifespan", "asgi_shutdown", "asgi_startup"],
    "testing": ["LifespanAwareAsyncClient"],
    "types": ["LifespanManager", "State"],
}


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_registry, "_resources", {})
    monkeypatch.setattr(default_registry, "_managers", [])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param(module, name, id=f"{module}.{name}")
        for module, names in NAMES.items()
        for name in names
    ],
)
def test_every_name_is_where_it_was(module: str, name: str) -> None:
    """And is public there."""
    found = import_module(f"django_lifespan_typed.{module}")

    assert hasattr(found, name)
    assert name in found.__all__


def _manager() -> Any:
    raise AssertionError("it is not opened")


@pytest.mark.parametrize(
    ("function", "arguments", "options"),
    [
        pytest.param(get_asgi_application, (), {}, id="get_asgi_application"),
        pytest.param(LifespanASGIHandler, (), {}, id="LifespanASGIHandler"),
        pytest.param(AsyncMiddleware, (_manager,), {}, id="AsyncMiddleware"),
        pytest.param(
            register_lifespan_manager,
            (),
            {"context_manager": _manager},
            id="register_lifespan_manager",
        ),
        pytest.param(
            LifespanAwareAsyncClient, (), {"state": {}}, id="client with state="
        ),
        pytest.param(LifespanAwareAsyncClient, ({},), {}, id="client with a state"),
        pytest.param(
            LifespanAwareAsyncClient,
            ({},),
            {"HTTP_HOST": "books"},
            id="client with defaults",
        ),
    ],
)
def test_every_call_is_taken_as_it_was(
    function: Any, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    """The signatures may have more, never less."""
    inspect.signature(function).bind(*arguments, **options)

    function(*arguments, **options)


def test_the_kinds_are_the_same() -> None:
    """Signals are signals, the handler is Django's, the types are its aliases."""
    assert all(
        isinstance(signal, Signal)
        for signal in (asgi_lifespan, asgi_startup, asgi_shutdown)
    )
    assert issubclass(LifespanASGIHandler, ASGIHandler)
    assert isinstance(get_asgi_application(), LifespanASGIHandler)
    assert issubclass(LifespanAwareAsyncClient, DjangosAsyncClient)
    assert State == MutableMapping[str, Any]
    assert LifespanManager == AsyncGenerator[State, None]


@pytest.mark.parametrize("kind", [Mock, AsyncMock])
async def test_signals_reach_mocks_without_a_state_in_the_scope(
    kind: type[Mock],
) -> None:
    """As projects test their receivers: a bare scope, a mock, disconnected after."""
    starting, stopping = kind(), kind()
    asgi_startup.connect(starting)
    asgi_shutdown.connect(stopping)
    application = get_asgi_application()
    communicator = ApplicationCommunicator(application, {"type": "lifespan"})

    try:
        await communicator.send_input({"type": "lifespan.startup"})
        started = await communicator.receive_output()
        after_start = (starting.call_count, stopping.call_count)
        await communicator.send_input({"type": "lifespan.shutdown"})
        stopped = await communicator.receive_output()
        after_stop = (starting.call_count, stopping.call_count)
    finally:
        was_connected = (
            asgi_startup.disconnect(starting),
            asgi_shutdown.disconnect(stopping),
        )

    assert started == {"type": "lifespan.startup.complete"}
    assert stopped == {"type": "lifespan.shutdown.complete"}
    assert after_start == (1, 0)
    assert after_stop == (1, 1)
    assert was_connected == (True, True)


@override_settings(ROOT_URLCONF="tests.asgi.urls")
async def test_djangos_own_client_finds_what_a_communicator_started() -> None:
    """A lifespan driven by a test, and requests that bypass its handler."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        yield {"books": object()}

    register_lifespan_manager(context_manager=clients)
    communicator = ApplicationCommunicator(
        get_asgi_application(), {"type": "lifespan", "state": {}}
    )

    await communicator.send_input({"type": "lifespan.startup"})
    await communicator.receive_output()
    while_running = (await AsyncClient().get("/names")).json()
    await communicator.send_input({"type": "lifespan.shutdown"})
    await communicator.receive_output()
    after = (await AsyncClient().get("/names")).json()

    assert while_running == ["books"]
    assert after == []


@override_settings(ROOT_URLCONF="tests.asgi.urls")
async def test_the_aware_client_passes_the_state_that_it_has() -> None:
    """The fixture of the documentation: one dictionary, filled by the test."""
    state: dict[str, Any] = {}
    client = LifespanAwareAsyncClient(state=state)

    state["books"] = object()
    response = await client.get("/names")

    assert response.json() == ["books"]
    assert response.asgi_request.scope["state"] == state
    assert response.asgi_request.scope["state"] is not state  # as servers do


def test_the_manager_of_the_quick_start_is_an_async_generator() -> None:
    """``-> LifespanManager`` annotates what ``@asynccontextmanager`` decorates."""

    async def clients() -> LifespanManager:
        yield {"books": object()}

    assert inspect.isasyncgenfunction(clients)
