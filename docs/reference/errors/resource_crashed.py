import asyncio
from collections.abc import AsyncGenerator

import anyio

from django_lifespan_typed import Lifespan, lifespan_resource


async def refresh() -> None:
    raise ConnectionError("the prices are gone")


@lifespan_resource("prices")
async def prices() -> AsyncGenerator[dict[str, int]]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refresh)
        yield {}


async def main() -> None:
    lifespan = Lifespan()
    async with lifespan:
        while lifespan.status()[0].phase != "crashed":
            await asyncio.sleep(0)
    raise lifespan.status()[0].error


asyncio.run(main())
