from typing import Protocol

from django_lifespan_typed import StateKey


class Prices(Protocol):
    async def of(self, isbn: str) -> int: ...


PRICES = StateKey[Prices]("prices")
