"""Health checks of the running resources."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from inspect import isawaitable
from time import monotonic
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, final

from asgiref.sync import iscoroutinefunction

from .._declare.resources import HealthCheck
from .._log import exc_info, logger
from .._settings import finite
from .._tasks.record import TaskRecord, record_of
from .._text import printable, seconds_text
from .._threads.database import OpenedConnections
from .._threads.worker import Worker
from .resource_task import ResourceTask
from .run import Run
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
    """Seconds that its check took; None if there was none."""
    error: BaseException | None
    """The exception of its check, startup or crash."""
    checked_at: datetime
    """When it was checked (UTC)."""
    task: TaskRecord | None = None
    """The record of a background task; None for any other resource."""


class Unhealthy(Exception):
    """A health check returned False."""


class CheckResult(NamedTuple):
    """The outcome of one health check."""

    error: BaseException | None
    seconds: float | None
    checked_at: datetime


@final
class HealthChecks:
    """
    The health checks of one run, made concurrently, each within its time limit.

    Results are reused for ``HEALTH_CACHE`` seconds, and concurrent callers share the
    checks in progress: probes cannot overload a backend.
    """

    def __init__(self, run: Run, values: Mapping[str, Any]) -> None:
        self._run = run
        self._tasks = tuple(run.tasks.values())
        self._values = values
        self._settings = run.settings
        self._round: asyncio.Task[tuple[CheckResult | None, ...]] | None = None
        self._opened = OpenedConnections()
        self._cleanup: asyncio.Task[None] | None = None
        self._valid_until = 0.0
        self._in_progress: dict[str, set[asyncio.Future[Any]]] = {}
        """The tasks of each check, and its calls in threads, that have not ended."""
        self._failing: set[str] = set()

    async def results(self) -> tuple[ResourceHealth, ...]:
        """Return a record of each resource, dependencies first."""
        found: tuple[CheckResult | None, ...] = (None,) * len(self._tasks)
        if not self._run.is_stop_announced:
            checks = self._round
            if (
                checks is None
                or checks.cancelled()
                or (checks.done() and monotonic() >= self._valid_until)
            ):
                checks = self._round = self._begin(self._check_all(), "lifespan health")
            # wait(): if this caller is cancelled, the checks go on for the others.
            await asyncio.wait({checks})
            if not checks.cancelled():  # by the shutdown
                found = checks.result()
        # Phases are current, results may be cached: a crash shows at once.
        return tuple(
            _record(task, result, self._values.get(task.resource.name))
            for task, result in zip(self._tasks, found, strict=True)
        )

    async def end(self) -> None:
        """Cancel the checks in progress, and make no more."""
        left = set[asyncio.Future[Any]]().union(*self._in_progress.values())
        left.update(task for task in (self._round, self._cleanup) if task is not None)
        for future in left:
            # A call in a thread cannot be cancelled; it still uses the value.
            if isinstance(future, asyncio.Task):
                future.cancel()
        try:
            if left:
                await asyncio.wait(left, timeout=finite(self._settings.CANCEL_TIMEOUT))
        finally:
            for name in self._in_progress:
                logger.warning(
                    "the health check of %r did not finish and was abandoned", name
                )

    async def _check_all(self) -> tuple[CheckResult | None, ...]:
        with self._opened:
            found = await asyncio.gather(*map(self._check, self._tasks))
        await self._opened.closed_in_pools(self._settings.CANCEL_TIMEOUT)
        errors = [result.error for result in found if result is not None]
        if self._opened or any(error is not None for error in errors):
            self._close_connections()
        self._valid_until = monotonic() + self._settings.HEALTH_CACHE
        return tuple(found)

    def _close_connections(self) -> None:
        # After all checks, which share the connections of Django's shared thread; not
        # awaited, because that thread may be busy.
        if self._cleanup is None or self._cleanup.done():
            closing = self._opened.close_only_these()
            self._cleanup = self._begin(closing, "lifespan health connections")

    async def _check(self, task: ResourceTask) -> CheckResult | None:
        name, check = task.resource.name, task.resource.health_check
        if not task.is_usable or check is None:
            return None
        if name in self._in_progress:
            problem = f"the previous health check of {name!r} has not finished"
            return CheckResult(TimeoutError(problem), None, _now())
        began = monotonic()
        error = await self._within_limit(task, check)
        seconds = monotonic() - began
        if task.is_usable:
            self._log_change(name, error)
        return CheckResult(error, seconds, _now())

    async def _within_limit(
        self, task: ResourceTask, check: HealthCheck[Any]
    ) -> BaseException | None:
        name, limit = task.resource.name, self._settings.HEALTH_TIMEOUT
        checking = self._begin(self._error_of(task, check), f"health {printable(name)}")
        self._track(name, checking)
        await asyncio.wait({checking}, timeout=finite(limit))
        if not checking.done():
            checking.cancel()
            return TimeoutError(
                f"the health check of {name!r} took longer than {seconds_text(limit)}\n"
                'If it needs longer, write LIFESPAN["HEALTH_TIMEOUT"] (seconds).'
            )
        if checking.cancelled():
            return asyncio.CancelledError()
        return checking.result()

    async def _error_of(
        self, task: ResourceTask, check: HealthCheck[Any]
    ) -> BaseException | None:
        if not task.is_usable:
            return None  # it has crashed since the check was scheduled
        name = task.resource.name
        try:
            result = await self._call(name, check)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit would end the loop
            return error
        if result is False:
            return Unhealthy(f"the health check of {name!r} returned False")
        return None

    async def _call(self, name: str, check: HealthCheck[Any]) -> object:
        value = self._values[name]  # as views find it: a test may override it
        result: object
        if iscoroutinefunction(check):
            result = check(value)
        else:
            # In a daemon thread, so the process can end although the check blocks.
            worker = Worker(f"health {name}")
            step = worker.submit(partial(check, value))
            worker.finish()
            self._track(name, step.done)
            await asyncio.shield(step.done)
            result = step.result()
        # A lambda may return an awaitable.
        return await result if isawaitable(result) else result

    def _track(self, name: str, future: asyncio.Future[Any]) -> None:
        def forget(_: object) -> None:
            self._in_progress[name].discard(future)
            if not self._in_progress[name]:
                del self._in_progress[name]

        self._in_progress.setdefault(name, set()).add(future)
        future.add_done_callback(forget)

    def _log_change(self, name: str, error: BaseException | None) -> None:
        if error is None and name in self._failing:
            self._failing.remove(name)
            logger.info("%r is healthy again", name)
        elif error is not None and name not in self._failing:
            # Logged once, and only here: probes do not show the exception.
            self._failing.add(name)
            logger.warning("%r is not healthy", name, exc_info=exc_info(error))

    def _begin(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        # In the run's context: nothing may keep what belongs to a request.
        context, loop = self._run.context.copy(), self._run.loop
        return context.run(lambda: loop.create_task(coroutine, name=name))


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _record(
    task: ResourceTask, result: CheckResult | None, value: object
) -> ResourceHealth:
    resource = task.resource
    if not task.is_usable:
        result = None  # the error that ended it says more
    error = task.error if result is None else result.error
    is_well = task.is_usable and error is None
    return ResourceHealth(
        name=resource.name,
        verdict="pass" if is_well else "warn" if resource.optional else "fail",
        phase=task.phase,
        optional=resource.optional,
        seconds=None if result is None else result.seconds,
        error=error,
        checked_at=_now() if result is None else result.checked_at,
        task=record_of(value),
    )
