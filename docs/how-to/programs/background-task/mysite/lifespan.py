import asyncio
import json
from collections.abc import AsyncGenerator

from asgiref.sync import sync_to_async
from django.conf import settings

from django_lifespan_typed import lifespan_resource


class Rates:
    latest: dict[str, float]

    async def refresh(self) -> None:
        text = await sync_to_async(settings.RATES.read_text)("utf-8")
        self.latest = json.loads(text)

    async def keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(settings.RATES_EVERY)
            await self.refresh()


@lifespan_resource("rates")
async def rates() -> AsyncGenerator[Rates]:
    rates = Rates()
    await rates.refresh()  # no request is served before there are any
    async with asyncio.TaskGroup() as tasks:
        refreshing = tasks.create_task(rates.keep_fresh())
        yield rates
        refreshing.cancel()  # the group waits until it has ended
