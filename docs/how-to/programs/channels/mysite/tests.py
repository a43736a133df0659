from channels.testing import WebsocketCommunicator
from django.test import SimpleTestCase

from django_lifespan_typed.testing import LifespanTestCase

from .consumers import Greetings


class GreetingsTests(LifespanTestCase, SimpleTestCase):
    async def test_greets(self) -> None:
        socket = WebsocketCommunicator(Greetings.as_asgi(), "/greetings")
        await socket.connect()

        await socket.send_json_to({"name": "Emma"})
        answer = await socket.receive_json_from()

        self.assertEqual(answer, {"greeting": "Hello, Emma! You are number 1.\n"})
        await socket.disconnect()
