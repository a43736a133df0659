from django.test import SimpleTestCase

from .books import title_of


class BookTests(SimpleTestCase):
    def test_page(self) -> None:
        response = self.client.get("/books/9780141439587")

        self.assertEqual(response.content, b"Emma")

    async def test_title(self) -> None:
        self.assertEqual(await title_of("9780141439587"), "Emma")
