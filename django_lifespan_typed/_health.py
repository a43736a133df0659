"""Whether the running resources still work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from inspect import isawaitable
from time import monotonic
from typing import Any, Literal, TypeAlias, final

from asgiref.sync import iscoroutinefunction

from ._owner import Owner
from ._resources import HealthCheck
from ._settings import LifespanSettings
from ._status import Phase
from ._worker import Worker

Verdict: TypeAlias = Literal["pass", "warn", "fail"]


@final
@dataclass(frozen=True)
class ResourceHealth:
    """A record of ``Lifespan.health()``."""

    name: str
    verdict: Verdict
    """``pass``; ``fail``; ``warn`` for an optional resource that would fail."""
    phase: Phase
    optional: bool
    seconds: float | None
    """How long its check took; None where none was made."""
    error: BaseException | None
    """What its check, its start or its run ended with."""
    checked_at: datetime
    """When, in UTC."""


class Unhealthy(Exception):
    """A health check returned False."""


@final
class HealthChecks:
    """
    The health checks of one run, made concurrently, each within its time limit.

    Results are given again for ``HEALTH_CACHE`` seconds, and whoever asks while
    checks are being made waits for those: probes cannot overload a backend.
    """

    def __init__(
        self,
        owners: Iterable[Owner],
        values: Mapping[str, Any],
        context: Context,
        settings: LifespanSettings,
    ) -> None:
        self._owners = tuple(owners)
        self._values = values
        self._context = context
        self._settings = settings
        self._made: asyncio.Task[tuple[ResourceHealth, ...]] | None = None
        self._good_until = 0.0
        self._unfinished: dict[str, asyncio.Task[object]] = {}

    async def results(self) -> tuple[ResourceHealth, ...]:
        """A record of each resource, needs first."""
        if self._made is None or (
            self._made.done() and monotonic() >= self._good_until
        ):
            self._made = self._begin(self._check_all(), "lifespan health")
        # Who asked first may go away, and others still wait.
        return await asyncio.shield(self._made)

    async def end(self) -> None:
        """Cancel the checks that are being made."""
        tasks = [*self._unfinished.values(), *filter(None, [self._made])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.CANCEL_TIMEOUT)

    async def _check_all(self) -> tuple[ResourceHealth, ...]:
        results = await asyncio.gather(*map(self._check, self._owners))
        self._good_until = monotonic() + self._settings.HEALTH_CACHE
        return tuple(results)

    async def _check(self, owner: Owner) -> ResourceHealth:
        resource = owner.resource
        error, seconds = owner.error, None
        if owner.phase == "running" and resource.health_check is not None:
            began = monotonic()
            error = await self._ask(resource.name, resource.health_check)
            seconds = monotonic() - began
        # Asked after the check, during which it may have crashed.
        is_well = owner.phase == "running" and error is None
        return ResourceHealth(
            name=resource.name,
            verdict="pass" if is_well else "warn" if resource.optional else "fail",
            phase=owner.phase,
            optional=resource.optional,
            seconds=seconds,
            error=error if owner.phase == "running" else owner.error,
            checked_at=datetime.now(timezone.utc),
        )

    async def _ask(self, name: str, check: HealthCheck[Any]) -> BaseException | None:
        limit = self._settings.HEALTH_TIMEOUT
        if name in self._unfinished:
            return TimeoutError(
                f"the health check of {name!r} before this one hangs still"
            )
        task = self._begin(_run(name, check, self._values[name]), f"health {name}")
        self._unfinished[name] = task
        task.add_done_callback(lambda _: self._unfinished.pop(name))
        await asyncio.wait({task}, timeout=limit)
        if not task.done():
            task.cancel()
            return TimeoutError(
                f"the health check of {name!r} took longer than {limit:.3g} s\n"
                'If it needs longer, write LIFESPAN["HEALTH_TIMEOUT"] (seconds).'
            )
        if task.cancelled():
            return asyncio.CancelledError()
        return task.exception() or _unhealthy(name, task.result())

    def _begin(self, coroutine: Any, name: str) -> asyncio.Task[Any]:
        # In the context of the run: what belongs to a request ends with it.
        loop = asyncio.get_running_loop()
        return self._context.copy().run(lambda: loop.create_task(coroutine, name=name))


async def _run(name: str, check: HealthCheck[Any], value: object) -> object:
    result: object
    if iscoroutinefunction(check):
        result = check(value)
    else:
        # It may block. A daemon: the process can end although it hangs.
        worker = Worker(f"health {name}")
        try:
            result = await worker.run(partial(check, value))
        finally:
            worker.finish()
    # What a lambda, or a method of another's class, returns may be awaitable.
    return await result if isawaitable(result) else result


def _unhealthy(name: str, result: object) -> Unhealthy | None:
    if result is False:
        return Unhealthy(f"the health check of {name!r} returned False")
    return None
