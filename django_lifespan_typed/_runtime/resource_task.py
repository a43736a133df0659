"""One resource in one task: enter, hold, exit, each within its time limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import Context
from time import monotonic
from typing import Any, Protocol, final

from .._declare.resources import Resource
from .._log import logger
from .._settings import LifespanSettings
from .._threads.cancellation import by_anyio, shield_from
from .failures import (
    crashed,
    failed_start,
    failed_stop,
    late_start,
    late_stop,
    skipped_start,
)
from .status import Phase, ResourceStatus


class Group(Protocol):
    """What an owner asks of, and tells, the lifespan that it belongs to."""

    def waiting_for(self, owner: Owner, /) -> list[str]: ...
    def is_ending(self) -> bool: ...
    def is_stopping(self) -> bool: ...
    def seconds_left(self) -> float: ...
    def publish(self, owner: Owner, /) -> None: ...
    def on_started(self, owner: Owner, /) -> None: ...
    def on_finished(self, owner: Owner, /) -> None: ...


@final
class Owner:
    """
    Owns the one task in which a resource is entered, held and exited.

    The same task and the same context see all of it, so that anyio's cancel scopes
    and task groups may be held open across the yield.
    """

    def __init__(
        self, resource: Resource[Any], group: Group, settings: LifespanSettings
    ) -> None:
        self.resource = resource
        self.phase: Phase = "waiting"
        self.value: Any = None
        self.error: BaseException | None = None
        """What went wrong at the start, while running or at the stop."""
        self.started_at: float | None = None
        """When the value was there, on the monotonic clock."""
        self.began_at: float | None = None
        """When the phase that it is in began, on the monotonic clock."""
        self.start_seconds: float | None = None
        self.start_began_at: float | None = None
        """When its start began, on the monotonic clock."""
        self._group = group
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake: asyncio.Future[None] | None = None
        self._told_to_stop = False
        self._unwinds = False
        self._timed_out: float | None = None

    # --- Told by the lifespan

    def start(self, context: Context, needs: Sequence[Any]) -> None:
        """Begin to enter the resource, in a task and a context of its own."""
        loop = asyncio.get_running_loop()
        self.phase = "starting"
        self.began_at = self.start_began_at = monotonic()
        self._limit(self.start_timeout, self._on_time_limit)
        name = f"lifespan {self.resource.name}"
        owning = self._own(needs)
        self._task = context.run(lambda: loop.create_task(owning, name=name))
        self._task.add_done_callback(self._on_done)

    def skip(self, need: Owner) -> None:
        """Never start, for *need* has failed."""
        was_skipped = need.start_began_at is None
        # What really failed, not a chain of those that were skipped for it.
        cause = need.error.__cause__ if was_skipped and need.error else need.error
        self.error = skipped_start(self.resource, need.resource, cause)
        self._finish("failed")

    def stop(self) -> None:
        """Exit the resource if it runs, cancel it if it still starts."""
        if self._told_to_stop:
            return
        self._told_to_stop = True
        if self.phase == "waiting":
            self._finish("stopped")
        elif self.phase == "starting":
            # After its time limit it unwinds already: not to be cut short.
            if self._timed_out is None:
                self._interrupt()
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
        # Else it has crashed, and unwinds within the limit that it was given then.

    # --- Asked by the lifespan

    def works_in(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether *task* is its own."""
        return self._task is not None and self._task is task

    @property
    def finished(self) -> bool:
        """Whether nothing of it is open any more, or will ever be closed."""
        return self.phase in {"stopped", "failed", "crashed"}

    @property
    def usable(self) -> bool:
        """Whether it runs, and has not crashed: then it may unwind for a while."""
        return self.phase == "running" and not self._unwinds

    def status(self, needs: tuple[str, ...], origin: float) -> ResourceStatus:
        """What is known of it now; *origin* is when the whole start began."""
        began, started = self.start_began_at, self.started_at
        is_running = started is not None and self.phase == "running"
        return ResourceStatus(
            name=self.resource.name,
            phase=self.phase,
            seconds=self.start_seconds,
            needs=needs,
            declared_at=self.resource.declared_at,
            error=self.error,
            optional=self.resource.optional,
            began_after=None if began is None else began - origin,
            age=monotonic() - started if started and is_running else None,
        )

    @property
    def start_error(self) -> BaseException | None:
        """What went wrong at the start."""
        return self.error if self.start_seconds is None else None

    @property
    def stop_error(self) -> Exception | None:
        """What went wrong at the stop."""
        wrong = self.error if self.phase == "failed" and self.started_at else None
        return wrong if isinstance(wrong, Exception) else None

    @property
    def start_timeout(self) -> float:
        """Seconds that the start may take."""
        own = self.resource.start_timeout
        return self._settings.START_TIMEOUT if own is None else own

    @property
    def stop_timeout(self) -> float:
        """Seconds that the stop may take."""
        own = self.resource.stop_timeout
        return self._settings.STOP_TIMEOUT if own is None else own

    # --- The task

    async def _own(self, needs: Sequence[Any]) -> None:
        refused: Exception | None = None
        try:
            async with self.resource.open(*needs) as self.value:
                # Else it was cancelled, and started all the same.
                if not self._told_to_stop and self._timed_out is None:
                    try:
                        self._started()
                    except Exception as error:
                        refused = error
                        raise
                    await self._hold()
                    self._stopping()
            if refused is not None:
                raise refused  # the factory has swallowed it
        except BaseException as error:  # rule 7: nothing leaks out
            self._failed(error)
        else:
            self._ended()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        # Cancelled before its first step, a task never enters its coroutine.
        if task.cancelled():
            self._failed(asyncio.CancelledError())

    def _started(self) -> None:
        self._group.publish(self)
        self.started_at = monotonic()
        self.start_seconds = self.started_at - (self.began_at or 0)
        self._unlimit()
        self.phase = "running"
        if logger.isEnabledFor(logging.INFO):
            milliseconds = self.start_seconds * 1000
            logger.info("started %r in %.1f ms", self.resource.name, milliseconds)
        self._group.on_started(self)

    async def _hold(self) -> None:
        loop = asyncio.get_running_loop()
        shield: Callable[[], AbstractContextManager[object]] = nullcontext
        while not self._told_to_stop:
            self._wake = loop.create_future()
            try:
                with shield():
                    await self._wake
            except asyncio.CancelledError as error:
                # Either a task group inside the resource has failed, or the loop
                # cancels every task that it has: then the order of the stop must hold.
                if not await self._everything_ends(error):
                    self._unwinds = True
                    self._limit(self._seconds_to_stop(), self._cancel)
                    raise
                shield = shield_from(error)

    async def _everything_ends(self, error: asyncio.CancelledError) -> bool:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # lets the others that are cancelled know it
        if by_anyio(error):
            return self._group.is_stopping()
        if not self._group.is_ending():
            return False
        uncancel: Callable[[], object] | None = getattr(self._task, "uncancel", None)
        if uncancel is not None:  # Python 3.11
            uncancel()
        return True

    def _stopping(self) -> None:
        self.phase = "stopping"
        self.began_at = monotonic()
        self._limit(self._seconds_to_stop(), self._on_time_limit)

    # --- How it ended

    def _ended(self) -> None:
        if self._timed_out is not None:
            self._failed(asyncio.CancelledError())
        elif self.phase == "running":
            self._crashed(None)
        else:
            try:
                if self.phase == "stopping" and logger.isEnabledFor(logging.INFO):
                    milliseconds = (monotonic() - (self.began_at or 0)) * 1000
                    name = self.resource.name
                    logger.info("stopped %r in %.1f ms", name, milliseconds)
            finally:
                self._finish("stopped")

    def _failed(self, error: BaseException) -> None:
        if self.finished:
            return  # it was given up before
        if self.phase == "running":
            self._crashed(error)
        elif self.phase == "stopping":
            self.error = error
            try:
                waiting = self._group.waiting_for(self)
                self.error = (
                    failed_stop(self.resource, error)
                    if self._timed_out is None
                    else late_stop(self.resource, error, self._timed_out, waiting)
                )
                name = self.resource.name
                logger.error("failed to stop %r", name, exc_info=self.error)
            finally:  # a filter of the log may fail itself
                self._finish("failed")
        elif (
            self._told_to_stop
            and self._timed_out is None
            and isinstance(error, asyncio.CancelledError)
        ):
            self._finish("stopped")
        else:
            waiting = self._group.waiting_for(self)
            self.error = (
                failed_start(self.resource, error)
                if self._timed_out is None
                else late_start(self.resource, error, self._timed_out, waiting)
            )
            self._finish("failed")

    def _crashed(self, error: BaseException | None) -> None:
        self.error = crashed(self.resource, error)
        try:
            logger.error("%s", self.error, exc_info=error)
        finally:
            self._finish("crashed")

    def _give_up(self, _seconds: float) -> None:
        """Leave a task alone that does not end although it was cancelled."""
        try:
            logger.error(
                "lifespan resource %r ignores that it was cancelled; it is left open\n"
                "%s",
                self.resource.name,
                self.resource.declared_at.draw(),
            )
        finally:
            assert self._task is not None
            self._task.cancel()  # the second leaves a thread alone
            if self.phase == "running":
                self._crashed(None)
            elif self._timed_out is None:
                self._finish("stopped")
            else:
                self._failed(asyncio.CancelledError())

    def _finish(self, phase: Phase) -> None:
        if self.finished:
            return
        self._unlimit()
        self.phase = phase
        self.began_at = None
        self._group.on_finished(self)

    # --- Time limits

    def _seconds_to_stop(self) -> float:
        return min(self.stop_timeout, self._group.seconds_left())

    def _interrupt(self) -> None:
        """Cancel a start, and give it as long as a stop to close what it opened."""
        assert self._task is not None
        self._limit(self._seconds_to_stop(), self._cancel)
        self._task.cancel()

    def _cancel(self, _seconds: float = 0) -> None:
        """Cancel a stop; it is given up where it does not end even so."""
        assert self._task is not None
        self._limit(self._settings.CANCEL_TIMEOUT, self._give_up)
        self._task.cancel()

    def _on_time_limit(self, seconds: float) -> None:
        self._timed_out = seconds
        if self.phase == "starting":
            self._interrupt()
        else:
            self._cancel()

    def _limit(self, seconds: float, then: Callable[[float], object]) -> None:
        self._unlimit()
        if seconds != float("inf"):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, then, seconds)

    def _unlimit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
