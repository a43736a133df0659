import asyncio
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command

from django_lifespan_typed import lifespan_task
from django_lifespan_typed.locks import FileLock

logger = logging.getLogger(__name__)


async def clear_sessions() -> None:
    await sync_to_async(call_command)("clearsessions")


async def count_sessions() -> None:
    await cache.aset("sessions", await Session.objects.acount())


@lifespan_task("scheduler", exclusive=FileLock())
async def scheduler() -> None:
    due: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
    times = AsyncIOScheduler(timezone=settings.TIME_ZONE)
    times.add_job(due.put, "cron", hour=3, args=[clear_sessions])
    times.add_job(due.put, "interval", minutes=15, args=[count_sessions])
    times.start()
    try:
        while True:
            job = await due.get()
            try:
                await job()
            except Exception:
                logger.exception("%s failed", job.__name__)
    finally:
        times.shutdown()
