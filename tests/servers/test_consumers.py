"""A consumer under Channels' own test tools, which know no lifespan."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.testing import WebsocketCommunicator

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.asgi import with_lifespan

NUMBER = StateKey[int]("number")


class InAsyncConsumer(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json([get_state(self, NUMBER), get_state(self.scope, NUMBER)])


class InSyncConsumer(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **kwargs: Any) -> None:
        self.send_json([get_state(self, NUMBER), get_state(self.scope, NUMBER)])


consumers = pytest.mark.parametrize(
    "consumer", [InAsyncConsumer, InSyncConsumer], ids=["async", "sync"]
)


@pytest.fixture
def registry(registry: Registry) -> Registry:
    """One resource, a number."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    return registry


async def answer(app: Any) -> Any:
    """The answer of a consumer to a message."""
    communicator = WebsocketCommunicator(app, "/")
    accepted, _ = await communicator.connect()
    assert accepted
    await communicator.send_json_to({})
    answered = await communicator.receive_json_from()
    await communicator.disconnect()
    return answered


@consumers
async def test_a_consumer_finds_the_lifespan_of_its_loop(
    consumer: Any, registry: Registry
) -> None:
    """Where a test runs the resources, and no server passes a state on."""
    async with Lifespan(registry):
        answered = await answer(consumer.as_asgi())

    assert answered == [7, 7]


@consumers
async def test_a_consumer_finds_the_state_of_its_scope(
    consumer: Any, registry: Registry
) -> None:
    """Where a test sets it, it needs no lifespan."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await consumer.as_asgi()({**scope, "state": {"number": 8}}, receive, send)

    assert await answer(app) == [8, 8]


async def test_the_wrapped_application_has_the_running_state(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """A communicator sends no lifespan: the first connection starts one."""
    answered = await answer(with_lifespan(InAsyncConsumer.as_asgi(), registry))

    assert answered == [7, 7]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
