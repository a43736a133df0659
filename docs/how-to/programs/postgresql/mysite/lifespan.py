from collections.abc import AsyncGenerator

from django.conf import settings
from psycopg_pool import AsyncConnectionPool

from django_lifespan_typed import lifespan_resource


@lifespan_resource("pool")
async def pool() -> AsyncGenerator[AsyncConnectionPool]:
    async with AsyncConnectionPool(
        settings.POSTGRESQL_URL,
        open=False,  # the block opens it, on the right event loop
        min_size=2,
        max_size=10,
        timeout=5,
        check=AsyncConnectionPool.check_connection,
    ) as pool:
        await pool.wait(timeout=10)  # fails for a wrong address
        yield pool


@pool.health
async def answers(pool: AsyncConnectionPool) -> None:
    async with pool.connection(timeout=1) as connection:
        await connection.execute("SELECT 1")
