from django.test import SimpleTestCase

from django_lifespan_typed.testing import LifespanTestCase, override_state

from .keys import CATALOGUE


class FakeCatalogue:
    async def price(self, title: str) -> str | None:
        return "1.00" if title == "emma" else None


@override_state(CATALOGUE, FakeCatalogue())
class PriceTests(LifespanTestCase, SimpleTestCase):
    async def test_shows_the_price(self) -> None:
        response = await self.async_client.get("/emma/")

        self.assertEqual(response.content, b"emma costs 1.00.\n")

    async def test_does_not_find_other_books(self) -> None:
        response = await self.async_client.get("/moby-dick/")

        self.assertEqual(response.status_code, 404)

    def test_starts_no_http_client(self) -> None:
        self.assertEqual(list(self.state), ["catalogue"])
