from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from django_lifespan_typed import get_state

from .lifespan import greeter


class Greetings(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        greeting = await get_state(self, greeter).greet(content["name"])
        await self.send_json({"greeting": greeting})
