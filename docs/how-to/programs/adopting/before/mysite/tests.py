from unittest import mock

import httpx
from django.test import SimpleTestCase

from .books import title_of

transport = httpx.MockTransport(lambda request: httpx.Response(200, text="Emma"))
fake = httpx.AsyncClient(transport=transport, base_url="http://books")


class PriceTests(SimpleTestCase):
    def test_price(self) -> None:
        response = self.client.get("/prices/9780141439587")

        self.assertEqual(response.content, b"7.99")


@mock.patch("mysite.books.client", fake)
class BookTests(SimpleTestCase):
    def test_page(self) -> None:
        response = self.client.get("/books/9780141439587")

        self.assertEqual(response.content, b"Emma")

    async def test_title(self) -> None:
        self.assertEqual(await title_of("9780141439587"), "Emma")
