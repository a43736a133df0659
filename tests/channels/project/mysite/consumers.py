"""Consumers that fetch a resource."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer

from django_lifespan_typed import get_state
from tests.processes import happened

from .lifespan import Open, shop


def seen(opened: Open, again: Open) -> dict[str, Any]:
    """What a consumer tells its client."""
    return {"name": opened.name, "state": opened.state, "the same": opened is again}


class InAsyncConsumer(AsyncJsonWebsocketConsumer):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            happened(f"-consumer with {get_state(self, shop).state}")

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json(seen(get_state(self.scope, shop), get_state(self, shop)))


class InSyncConsumer(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **kwargs: Any) -> None:
        self.send_json(seen(get_state(self.scope, shop), get_state(self, shop)))
