from typing import Protocol

from django_lifespan_typed import StateKey


class Catalogue(Protocol):
    async def price(self, title: str) -> str | None:
        """Return the price of a book; None if there is no such book."""
        ...


CATALOGUE = StateKey[Catalogue]("catalogue")
