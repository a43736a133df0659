"""Channels' router with three consumers, plain and wrapped as teams wrap it."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.urls import path
from mysite.asgi import application as django_application
from mysite.journal import note

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import with_lifespan
from tests.gates import at_gate_in_thread, journaled

from .lifespan import shop


def found(consumer: Any) -> dict[str, object]:
    opened = get_state(consumer, shop)
    same = opened is get_state(consumer.scope, shop)
    return {"state": opened.state, "same in the scope": same}


class InAsyncConsumer(AsyncJsonWebsocketConsumer):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            note(f"-consumer, shop is {get_state(self, shop).state}")

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json(found(self))


class InSyncConsumer(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **kwargs: Any) -> None:
        self.send_json(found(self))


class HeldConsumer(JsonWebsocketConsumer):
    """Serves a message in a thread until the test opens the gate."""

    def receive_json(self, content: Any, **kwargs: Any) -> None:
        opened = get_state(self, shop)
        note("+request")
        at_gate_in_thread("request")
        note(f"-request, shop is {opened.state}")


websockets = [
    path("held-in-thread", HeldConsumer.as_asgi()),
    path("async", InAsyncConsumer.as_asgi()),
    path("sync", InSyncConsumer.as_asgi()),
]
router = ProtocolTypeRouter(
    {"http": django_application, "websocket": URLRouter(websockets)}
)
routed = with_lifespan(router)


async def monitored(scope: Any, receive: Any, send: Any) -> None:
    """Like Sentry's middleware: it knows no lifespan, and copies the scope."""
    assert scope["type"] in {"http", "websocket"}
    await ASGIStaticFilesHandler(router)(dict(scope), receive, send)


wrapped = journaled(with_lifespan(monitored))
