import httpx2
from django.test import SimpleTestCase

from django_lifespan_typed.testing import LifespanTestCase, override_state

from .lifespan import httpx2_client


def answer(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, text=f"asked for {request.url.path}")


fake = httpx2.AsyncClient(
    transport=httpx2.MockTransport(answer), base_url="http://books"
)


@override_state(httpx2_client, fake)
class BookTests(LifespanTestCase, SimpleTestCase):
    async def test_asks_for_the_book(self) -> None:
        response = await self.async_client.get("/books/9780141439587")

        self.assertEqual(response.content, b"asked for /books/9780141439587")

    def test_asks_in_sync_code_too(self) -> None:
        response = self.client.get("/sync/9780141439587")

        self.assertEqual(response.content, b"asked for /books/9780141439587")
