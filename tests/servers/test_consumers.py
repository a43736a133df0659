"""A consumer under Channels' own test tools, which know no lifespan."""

from __future__ import annotations

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

NUMBER = StateKey[int]("number")


class InAsyncConsumer(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json([get_state(self, NUMBER), get_state(self.scope, NUMBER)])


class InSyncConsumer(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **kwargs: Any) -> None:
        self.send_json([get_state(self, NUMBER), get_state(self.scope, NUMBER)])


async def answer(app: Any) -> Any:
    """The answer of a consumer to a message."""
    communicator = WebsocketCommunicator(app, "/")
    accepted, _ = await communicator.connect()
    assert accepted
    await communicator.send_json_to({})
    answered = await communicator.receive_json_from()
    await communicator.disconnect()
    return answered


@pytest.mark.parametrize(
    "consumer", [InAsyncConsumer, InSyncConsumer], ids=["async", "sync"]
)
async def test_a_consumer_finds_the_lifespan_of_its_loop_or_the_state_of_its_scope(
    consumer: Any, registry: Registry
) -> None:
    """No server passes a state on; a test may set one, and needs no lifespan then."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        return 7

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await consumer.as_asgi()({**scope, "state": {"number": 8}}, receive, send)

    async with Lifespan(registry):
        assert await answer(consumer.as_asgi()) == [7, 7]
    assert await answer(with_state) == [8, 8]
