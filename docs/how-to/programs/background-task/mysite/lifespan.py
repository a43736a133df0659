import json
from collections.abc import AsyncGenerator

from asgiref.sync import sync_to_async
from django.conf import settings

from django_lifespan_typed import lifespan_resource, lifespan_task


class Rates:
    latest: dict[str, float]

    async def refresh(self) -> None:
        text = await sync_to_async(settings.RATES.read_text)("utf-8")
        self.latest = json.loads(text)


@lifespan_resource("rates")
async def rates() -> AsyncGenerator[Rates]:
    rates = Rates()
    await rates.refresh()  # there are rates before the first request
    yield rates


@lifespan_task("refresh_rates", needs=(rates,), every=settings.RATES_SECONDS)
async def refresh_rates(rates: Rates) -> None:
    await rates.refresh()
