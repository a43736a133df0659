"""Whether the running resources still work."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from inspect import isawaitable
from time import monotonic
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, final

from asgiref.sync import iscoroutinefunction

from .._declare.resources import HealthCheck
from .._log import logger
from .._settings import LifespanSettings, finite
from .._threads.database import Opened
from .._threads.worker import Worker
from .resource_task import Owner
from .status import Phase

T = TypeVar("T")

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


class _Outcome(NamedTuple):
    """What one check has found."""

    error: BaseException | None
    seconds: float | None
    checked_at: datetime


@final
class HealthChecks:
    """
    The health checks of one run, made concurrently, each within its time limit.

    What they found is given again for ``HEALTH_CACHE`` seconds, and whoever asks while
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
        self._round: asyncio.Task[tuple[_Outcome | None, ...]] | None = None
        self._opened = Opened()
        self._cleaning: asyncio.Task[None] | None = None
        self._good_until = 0.0
        self._open: dict[str, set[asyncio.Future[Any]]] = {}
        """The tasks, and calls in threads, of each check that have not ended."""
        self._failing: set[str] = set()
        self.ended = False
        """Whether no more checks are made, for the resources are about to stop."""

    async def results(self) -> tuple[ResourceHealth, ...]:
        """A record of each resource, needs first."""
        found: tuple[_Outcome | None, ...] = (None,) * len(self._owners)
        if not self.ended:
            checks = self._round
            if (
                checks is None
                or checks.cancelled()
                or (checks.done() and monotonic() >= self._good_until)
            ):
                checks = self._round = self._begin(self._check_all(), "lifespan health")
            # Not awaited itself: who asked first may go away, and others still wait.
            await asyncio.wait({checks})
            if not checks.cancelled():  # else by the end
                found = checks.result()
        # Phases as they are now: a crash is not to wait for the cache.
        return tuple(map(_record, self._owners, found))

    async def end(self) -> None:
        """Cancel the checks that are being made, and make no more."""
        self.ended = True
        left = set[asyncio.Future[Any]]().union(*self._open.values())
        left.update(task for task in (self._round, self._cleaning) if task is not None)
        for task in left:
            # A call in a thread cannot be cancelled, and still uses the value.
            if isinstance(task, asyncio.Task):
                task.cancel()
        try:
            if left:
                await asyncio.wait(left, timeout=finite(self._settings.CANCEL_TIMEOUT))
        finally:  # cancelled again, it waits no longer
            for name in self._open:
                logger.warning("the health check of %r hangs; it is left alone", name)

    async def _check_all(self) -> tuple[_Outcome | None, ...]:
        with self._opened:
            found = await asyncio.gather(*map(self._check, self._owners))
        if self._opened or any(map(_failed_on_loop, self._owners, found)):
            self._clean_up()
        self._good_until = monotonic() + self._settings.HEALTH_CACHE
        return tuple(found)

    def _clean_up(self) -> None:
        # Once all have ended, for they share the connections of Django's shared thread;
        # nobody waits for it, for that thread may be busy.
        if self._cleaning is None or self._cleaning.done():
            closing = self._opened.close_own()
            self._cleaning = self._begin(closing, "lifespan health connections")

    async def _check(self, owner: Owner) -> _Outcome | None:
        name, check = owner.resource.name, owner.resource.health_check
        if not owner.usable or check is None:
            return None
        if name in self._open:
            hangs = f"the health check of {name!r} before this one hangs still"
            return _Outcome(TimeoutError(hangs), None, datetime.now(timezone.utc))
        began = monotonic()
        error = await self._within_limit(owner, check)
        seconds = monotonic() - began
        if owner.usable:
            self._log_change(name, error)
        return _Outcome(error, seconds, datetime.now(timezone.utc))

    async def _within_limit(
        self, owner: Owner, check: HealthCheck[Any]
    ) -> BaseException | None:
        name, limit = owner.resource.name, self._settings.HEALTH_TIMEOUT
        task = self._begin(self._ask(owner, check), f"health {name}")
        self._keep(name, task)
        await asyncio.wait({task}, timeout=finite(limit))
        if not task.done():
            task.cancel()
            return TimeoutError(
                f"the health check of {name!r} took longer than {limit:.3g} s\n"
                'If it needs longer, write LIFESPAN["HEALTH_TIMEOUT"] (seconds).'
            )
        return asyncio.CancelledError() if task.cancelled() else task.result()

    async def _ask(self, owner: Owner, check: HealthCheck[Any]) -> BaseException | None:
        if not owner.usable:
            return None  # it has crashed in the turn of the loop that this took
        name = owner.resource.name
        try:
            result = await self._answer(name, check)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit would end the loop
            return error
        if result is False:
            return Unhealthy(f"the health check of {name!r} returned False")
        return None

    async def _answer(self, name: str, check: HealthCheck[Any]) -> object:
        # As views find it: a test may have put another in its place.
        value = self._values[name]
        result: object
        if iscoroutinefunction(check):
            result = check(value)
        else:
            # It may block. A daemon: the process can end although it hangs.
            worker = Worker(f"health {name}")
            step = worker.submit(partial(check, value))
            worker.finish()
            self._keep(name, step.done)
            await asyncio.shield(step.done)
            result = step.outcome()
        # What a lambda, or a method of another's class, returns may be awaitable.
        return await result if isawaitable(result) else result

    def _keep(self, name: str, future: asyncio.Future[Any]) -> None:
        def forget(_: object) -> None:
            self._open[name].discard(future)
            if not self._open[name]:
                del self._open[name]

        self._open.setdefault(name, set()).add(future)
        future.add_done_callback(forget)

    def _log_change(self, name: str, error: BaseException | None) -> None:
        if error is None and name in self._failing:
            self._failing.remove(name)
            logger.info("%r is healthy again", name)
        elif error is not None and name not in self._failing:
            # Once, and here alone: probes do not say why.
            self._failing.add(name)
            logger.warning("%r is not healthy", name, exc_info=error)

    def _begin(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        # In the context of the run: what belongs to a request ends with it.
        loop = asyncio.get_running_loop()
        return self._context.copy().run(lambda: loop.create_task(coroutine, name=name))


def _record(owner: Owner, found: _Outcome | None) -> ResourceHealth:
    resource = owner.resource
    if not owner.usable:
        found = None  # how it ended says more
    error = owner.error if found is None else found.error
    is_well = owner.usable and error is None
    return ResourceHealth(
        name=resource.name,
        verdict="pass" if is_well else "warn" if resource.optional else "fail",
        phase=owner.phase,
        optional=resource.optional,
        seconds=None if found is None else found.seconds,
        error=error,
        checked_at=datetime.now(timezone.utc) if found is None else found.checked_at,
    )


def _failed_on_loop(owner: Owner, found: _Outcome | None) -> bool:
    is_async = iscoroutinefunction(owner.resource.health_check)
    return is_async and found is not None and found.error is not None
