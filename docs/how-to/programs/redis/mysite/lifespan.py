from collections.abc import AsyncGenerator

from django.conf import settings
from redis.asyncio import Redis

from django_lifespan_typed import lifespan_resource


@lifespan_resource("redis")
async def redis() -> AsyncGenerator[Redis]:
    async with Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        max_connections=20,
        socket_connect_timeout=1,
        socket_timeout=2,
    ) as client:
        await client.ping()  # connects, because from_url() does not
        yield client


@redis.health
async def answers(client: Redis) -> None:
    await client.ping()
