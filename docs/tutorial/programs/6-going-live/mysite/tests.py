from django.test import SimpleTestCase

from django_lifespan_typed.testing import LifespanTestCase, override_state

from .keys import GUEST_BOOK


class FakeGuestBook:
    def __init__(self) -> None:
        self.names: list[str] = []

    def sign(self, name: str) -> int:
        self.names.append(name)
        return 7


class GuestBookTests(LifespanTestCase, SimpleTestCase):
    @override_state(GUEST_BOOK, FakeGuestBook())
    async def test_greets(self) -> None:
        response = await self.async_client.get("/ada/")

        self.assertEqual(response.content, b"Hello ada, you are visitor 7.\n")

    @override_state(GUEST_BOOK, FakeGuestBook())
    def test_starts_only_what_is_needed(self) -> None:
        self.assertEqual(list(self.state), ["guest_book"])
