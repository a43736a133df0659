"""Every module, name and call that users of django-asgi-lifespan write."""

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
from django.test import AsyncClient

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


@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_public_in_its_module(module: str) -> None:
    found = import_module(f"django_lifespan_typed.{module}")

    assert set(NAMES[module]) <= set(found.__all__)


def _manager() -> Any:
    raise AssertionError("it is not opened")


@pytest.mark.parametrize(
    ("function", "arguments", "options"),
    [
        (get_asgi_application, (), {}),
        (LifespanASGIHandler, (), {}),
        (AsyncMiddleware, (_manager,), {}),
        (register_lifespan_manager, (), {"context_manager": _manager}),
        (LifespanAwareAsyncClient, (), {"state": {}}),
        (LifespanAwareAsyncClient, ({},), {}),
        (LifespanAwareAsyncClient, ({},), {"HTTP_HOST": "books"}),
    ],
)
def test_every_call_is_accepted(
    function: Any, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    inspect.signature(function).bind(*arguments, **options)

    function(*arguments, **options)


def test_the_kinds_are_the_same() -> None:
    signals = (asgi_lifespan, asgi_startup, asgi_shutdown)

    assert all(isinstance(signal, Signal) for signal in signals)
    assert issubclass(LifespanASGIHandler, ASGIHandler)
    assert isinstance(get_asgi_application(), LifespanASGIHandler)
    assert issubclass(LifespanAwareAsyncClient, AsyncClient)
    assert State == MutableMapping[str, Any]
    assert LifespanManager == AsyncGenerator[State, None]


def driven(**scope: Any) -> ApplicationCommunicator:
    """Drives a lifespan as projects do in their tests."""
    return ApplicationCommunicator(
        get_asgi_application(), {"type": "lifespan", **scope}
    )


async def completed(communicator: ApplicationCommunicator, event: str) -> None:
    await communicator.send_input({"type": f"lifespan.{event}"})
    answer = await communicator.receive_output()
    assert answer == {"type": f"lifespan.{event}.complete"}


@pytest.mark.parametrize("kind", [Mock, AsyncMock])
async def test_signals_reach_mocks_without_a_state_in_the_scope(
    kind: type[Mock],
) -> None:
    starting, stopping = kind(), kind()
    asgi_startup.connect(starting)
    asgi_shutdown.connect(stopping)
    communicator = driven()

    try:
        await completed(communicator, "startup")
        after_start = (starting.call_count, stopping.call_count)
        await completed(communicator, "shutdown")
    finally:
        assert asgi_startup.disconnect(starting)
        assert asgi_shutdown.disconnect(stopping)

    assert after_start == (1, 0)
    assert (starting.call_count, stopping.call_count) == (1, 1)


async def test_djangos_client_finds_the_state_of_a_communicator() -> None:
    """A test drives the lifespan, and its requests bypass the handler."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        yield {"books": object()}

    register_lifespan_manager(context_manager=clients)
    communicator = driven(state={})

    await completed(communicator, "startup")
    while_running = (await AsyncClient().get("/names")).json()
    await completed(communicator, "shutdown")
    after = (await AsyncClient().get("/names")).json()

    assert (while_running, after) == (["books"], [])
