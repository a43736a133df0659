import logging
from collections.abc import AsyncGenerator

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.mail import send_mail
from redis.asyncio import Redis

from django_lifespan_typed import lifespan_resource, lifespan_task
from django_lifespan_typed.locks import RedisLock

logger = logging.getLogger(__name__)


@lifespan_resource("redis")
async def redis() -> AsyncGenerator[Redis]:
    async with Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=10,  # longer than blpop waits
    ) as client:
        await client.ping()
        yield client


@lifespan_task("welcome_mails", needs=(redis,))  # in each process
async def welcome_mails(client: Redis) -> None:
    while True:
        found = await client.blpop(["new_users"], timeout=5)
        if found is None:
            continue
        _, address = found
        try:
            await sync_to_async(send_mail)("Welcome", "Hello!", None, [address])
        except BaseException:  # an error, or the shutdown
            await client.rpush("new_users", address)
            raise


@lifespan_task("watch_queue", needs=(redis,), every=60, exclusive=RedisLock(redis))
async def watch_queue(client: Redis) -> None:
    waiting = await client.llen("new_users")
    if waiting > 100:
        logger.error("%d new users wait for their mail", waiting)
