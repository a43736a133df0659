from contextlib import asynccontextmanager

from django_asgi_lifespan.types import LifespanManager

from .warehouse import Warehouse


@asynccontextmanager
async def warehouse_manager() -> LifespanManager:
    warehouse = Warehouse()
    await warehouse.open()
    try:
        yield {"warehouse": warehouse}
    finally:
        await warehouse.close()
