"""RedisLock: a lock that expires unless its holder renews it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import isinf
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from .._compat import override
from .._declare.keys import StateKey, kind_of
from .._settings import is_seconds, not_seconds
from .protocol import Lock, UntilLost, checked_name, invalid_argument
from .waiting import LEAVE_LIMIT, within

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.lock import Lock as ClientLock


class RedisLock(Lock):
    """
    A lock in Redis: the lock of ``redis.asyncio``, on the client of a resource::

        @lifespan_resource("redis")
        async def redis() -> AsyncGenerator[Redis]:
            async with Redis.from_url(settings.REDIS_URL) as client:
                yield client

        LOCK = RedisLock(redis)

    The lock is the key ``lifespan-lock:<name>``. It expires after *ttl* seconds, and
    its holder renews it at every third of that. ``until_lost`` ends when Redis says
    that the lock is not ours, or if no renewal has succeeded for nine tenths of *ttl*.
    So if Redis is away, the block has at least a tenth of *ttl* to end before
    another process may acquire the lock. If the key is deleted (``FLUSHALL``, a restart
    without persistence, a replica that takes over), the block may outlive the lock by a
    third of *ttl*. In both cases add the time that the event loop is blocked.

    :param client: the key or resource of a ``redis.asyncio.Redis``.
    :param name: the name of the lock; None for the name of the task.
    :param ttl: seconds after which the lock of a process that was killed expires.

    Raises ``InvalidDeclaration`` if an argument is of the wrong type or out of range.
    """

    limit: ClassVar[float] = 5.0
    """Seconds to wait for Redis when acquiring the lock."""

    def __init__(
        self, client: StateKey[Redis], *, name: str | None = None, ttl: float = 30.0
    ) -> None:
        given: Any = client
        if not isinstance(given, StateKey):
            raise invalid_argument(
                f"RedisLock takes the resource of a Redis client, not {kind_of(given)}",
                "Write: RedisLock(REDIS), with the StateKey or the resource.",
            )
        if not is_seconds(ttl) or isinf(ttl):
            is_infinite = is_seconds(ttl)
            problem = "is infinite" if is_infinite else not_seconds(ttl)
            raise invalid_argument(f"ttl= of RedisLock {problem}", "Write: ttl=30.0")
        self.needs: tuple[StateKey[Any], ...] = (client,)
        self.name: str | None = checked_name(self, name)
        self.ttl: float = ttl

    @override
    @asynccontextmanager
    async def hold(
        self, name: str, *needs: Any
    ) -> AsyncGenerator[UntilLost | None, None]:
        client: Redis = needs[0]
        lock = client.lock(f"lifespan-lock:{name}", self.ttl, thread_local=False)
        token = uuid4().hex.encode()
        asked = asyncio.get_running_loop().time()
        may_be_ours = True  # also if Redis does not answer
        try:
            acquiring = lock.acquire(blocking=False, token=token)
            may_be_ours = await within(self.limit, acquiring, to_the_end=True)
            if may_be_ours:
                yield partial(self._until_lost, lock, asked)
        finally:
            if may_be_ours:
                with suppress(Exception):  # it is not ours any more, or it will expire
                    releasing = lock.do_release(token)
                    await within(LEAVE_LIMIT, releasing, to_the_end=True)
        if not may_be_ours:
            yield None

    async def _until_lost(self, lock: ClientLock, renewed: float) -> None:
        from redis.exceptions import LockError, RedisError

        time = asyncio.get_running_loop().time
        pause = self.ttl / 3
        while True:
            await asyncio.sleep(pause)
            asked, deadline = time(), renewed + self.ttl * 0.9
            try:
                limit = min(self.ttl / 3, deadline - asked)
                await within(limit, lock.reacquire())
                renewed, pause = asked, self.ttl / 3
            except LockError:
                return  # it has expired, or another process has it
            except (RedisError, OSError, TimeoutError):
                pause = self.ttl / 10
                if time() + pause >= deadline:
                    raise
