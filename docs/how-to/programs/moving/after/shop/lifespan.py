from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource

from .warehouse import Warehouse


@lifespan_resource("warehouse")
async def warehouse() -> AsyncGenerator[Warehouse]:
    warehouse = Warehouse()
    await warehouse.open()
    try:
        yield warehouse
    finally:
        await warehouse.close()
