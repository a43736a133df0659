"""ResourceTask: enters, holds and exits one resource in one task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    nullcontext,
    suppress,
)
from contextvars import Context
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, final
from weakref import WeakSet

from .._declare.resources import Resource
from .._log import exc_info, logger
from .._settings import LifespanSettings
from .._tasks.record import record_of
from .._text import printable
from .._threads.cancellation import (
    is_cancelled,
    is_in_cancelled_scope,
    shielded,
    uncancel,
)
from .deadlines import Deadlines
from .failures import crashed, skipped_start

if TYPE_CHECKING:
    from .status import Phase, ResourceStatus

# Tasks that were cancelled with all others, and run until their lifespan stops them.
_outlasting: Final[WeakSet[asyncio.Task[None]]] = WeakSet()


@final
class ResourceTask:
    """
    One resource, entered and exited in the same task and context.

    Control flows one way: the run calls it, and it reports itself to *report* once
    when its value is published and once when it has ended.
    """

    __slots__ = (
        "_deadlines",
        "_entered_by",
        "_is_time_limit",
        "_is_unwinding",
        "_limits",
        "_publish",
        "_report",
        "_settings",
        "_stop_deadline",
        "_stop_requested",
        "_task",
        "_wake",
        "began_at",
        "ended_at",
        "error",
        "failed_to",
        "phase",
        "raised",
        "resource",
        "start_began_at",
        "started_at",
        "stop_began_at",
        "timed_out",
    )

    def __init__(
        self,
        resource: Resource[Any],
        settings: LifespanSettings,
        deadlines: Deadlines,
        publish: Callable[[Resource[Any], object], None],
        report: Callable[[ResourceTask], None],
    ) -> None:
        self.resource = resource
        self.phase: Phase = "waiting"
        self.raised: BaseException | None = None
        """The exception that ended the task, as the factory raised it."""
        self.error: BaseException | None = None
        """The same exception as it is shown, with the resource's name and location."""
        self.timed_out: float | None = None
        """The time limit that has passed, in seconds."""
        self.failed_to: Literal["", "start", "stop"] = ""
        """``"start"`` or ``"stop"`` after a failure."""
        self.began_at = 0.0
        """When its phase began (monotonic clock)."""
        self.start_began_at: float | None = None
        self.started_at: float | None = None
        self.stop_began_at: float | None = None
        self.ended_at: float | None = None
        self._settings = settings
        self._deadlines = deadlines
        self._publish = publish
        self._report = report
        self._entered_by = asyncio.current_task()
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._stop_requested = False
        self._stop_deadline: float | None = None  # set when the shutdown is announced
        self._limits: tuple[float, ...] = ()
        self._is_time_limit = False
        self._is_unwinding = False

    # --- Called by the run

    def start(
        self, context: Context, manager: AbstractAsyncContextManager[Any]
    ) -> None:
        """Enter *manager*, which creates the value, in a new task."""
        self.phase = "starting"
        self.began_at = self.start_began_at = monotonic()
        own, settings = self.resource.start_timeout, self._settings
        seconds = settings.START_TIMEOUT if own is None else own
        limits = (seconds, self._stop_timeout, settings.CANCEL_TIMEOUT)
        self._allow(*limits, is_time_limit=True)
        main = self._main(manager)
        name = f"lifespan {printable(self.resource.name)}"
        # A lambda: ty cannot infer the result of context.run(create_task, ...).
        self._task = context.run(lambda: asyncio.create_task(main, name=name))
        self._task.add_done_callback(self._on_done)

    def skip(self, dependency: ResourceTask) -> None:
        """Never start, because *dependency* has failed."""
        was_skipped = dependency.start_began_at is None
        # The cause is the failure itself, not a chain of skipped resources.
        failure = dependency.error
        cause = failure.__cause__ if was_skipped and failure else failure
        self.error = skipped_start(self.resource, dependency.resource, cause)
        self._finish("failed")

    def announce_stop(self, deadline: float) -> None:
        """Announce the shutdown: a cancelled task now waits for its dependents."""
        self._stop_deadline = deadline

    def stop(self) -> None:
        """Exit the resource if it is running; cancel it if it is still starting."""
        if self._stop_requested:
            return
        self._stop_requested = True
        if self.phase == "waiting":
            self._finish("stopped")
        elif self.phase == "starting":
            if self.timed_out is None and self._task is not None:
                self._allow(self._seconds_to_stop(), self._settings.CANCEL_TIMEOUT)
                self._task.cancel()
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # --- State

    @property
    def is_finished(self) -> bool:
        """Whether nothing of the resource is open any more, or it was abandoned."""
        return self.phase in {"stopped", "failed", "crashed"}

    @property
    def is_usable(self) -> bool:
        """Whether it is running and not unwinding after a crash."""
        return self.phase == "running" and not self._is_unwinding

    @property
    def is_dead(self) -> bool:
        """Whether it has started and is not running any more."""
        return self.started_at is not None and not self.is_usable

    @property
    def stop_error(self) -> Exception | None:
        """The exception that the shutdown raises for this resource."""
        error = self.error if self.failed_to == "stop" else None
        return error if isinstance(error, Exception) else None

    def status(
        self, dependencies: tuple[str, ...], origin: float, value: object
    ) -> ResourceStatus:
        """Return a record of its state; *origin* is when the whole startup began."""
        from .status import ResourceStatus  # only tools need the module

        began, started = self.start_began_at, self.started_at
        stop_began, ended = self.stop_began_at, self.ended_at
        is_running = self.phase == "running"
        return ResourceStatus(
            name=self.resource.name,
            phase=self.phase,
            seconds=None if started is None or began is None else started - began,
            needs=dependencies,
            declared_at=self.resource.declared_at,
            error=self.error,
            optional=self.resource.optional,
            began_after=None if began is None else began - origin,
            age=monotonic() - started if started is not None and is_running else None,
            stop_began_after=None if stop_began is None else stop_began - origin,
            ended_after=None if ended is None else ended - origin,
            task=record_of(value),
        )

    # --- The task

    async def _main(self, manager: AbstractAsyncContextManager[Any]) -> None:
        refused: Exception | None = None
        try:
            async with manager as value:
                if self._is_wanted():
                    try:
                        self._publish(self.resource, value)
                    except Exception as error:
                        refused = error
                        raise
                    self._on_started()
                    # Not in a coroutine of its own, which would take memory.
                    shield: AbstractContextManager[object] = nullcontext()
                    while self._is_wanted():
                        self._wake = asyncio.get_running_loop().create_future()
                        try:
                            with shield:
                                await self._wake
                        except asyncio.CancelledError:
                            if not await self._is_cancelled_with_all():
                                self._on_unwinding()
                                raise
                            in_scope = is_in_cancelled_scope()
                            shield = shielded() if in_scope else nullcontext()
                    self._on_stopping()
            if refused is not None:
                raise refused  # the factory has swallowed it
        except BaseException as error:
            self._on_ended(error)
        else:
            self._on_ended(None)

    def _is_wanted(self) -> bool:
        # If not, the factory may still have swallowed the cancellation.
        return not self._stop_requested and self.timed_out is None

    def _on_done(self, task: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step never enters its coroutine.
        if task.cancelled():
            self._on_ended(asyncio.CancelledError())

    def _on_started(self) -> None:
        self.started_at = monotonic()
        self._deadlines.clear(self._on_deadline)
        self.phase = "running"
        self._report(self)

    def _on_stopping(self) -> None:
        self._wake = None
        self.phase = "stopping"
        self.began_at = self.stop_began_at = monotonic()
        limits = (self._seconds_to_stop(), self._settings.CANCEL_TIMEOUT)
        self._allow(*limits, is_time_limit=True)

    def _on_unwinding(self) -> None:
        self._is_unwinding = True
        self._allow(self._seconds_to_stop(), self._settings.CANCEL_TIMEOUT)

    async def _is_cancelled_with_all(self) -> bool:
        # Otherwise a task group inside the resource has failed. If the loop cancels
        # every task, resources still shut down in their order.
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # lets the other cancellations arrive
        if is_in_cancelled_scope():
            return self._stop_deadline is not None
        if self._stop_deadline is None and not _is_cancelled(self._entered_by):
            return False
        assert self._task is not None, "this code runs in it"
        _outlasting.add(self._task)
        uncancel(self._task)
        return True

    def _on_ended(self, error: BaseException | None) -> None:
        if self.is_finished:
            return  # it was abandoned before
        if error is None and self.timed_out is not None:
            error = asyncio.CancelledError()
        self.raised = error
        if self.phase == "running":
            self.error = crashed(self.resource, error)
            logger.error("%s", self.error, exc_info=exc_info(error))
            self._finish("crashed")
        elif error is None or (
            self.phase == "starting"
            and self._stop_requested
            and self.timed_out is None
            and isinstance(error, asyncio.CancelledError)
        ):
            self._finish("stopped")
        else:
            self.failed_to = "start" if self.phase == "starting" else "stop"
            self._finish("failed")

    def _finish(self, phase: Phase) -> None:
        self._deadlines.clear(self._on_deadline)
        self.ended_at = monotonic()
        self.phase = phase
        self._report(self)

    # --- Time limits

    @property
    def _stop_timeout(self) -> float:
        own = self.resource.stop_timeout
        return self._settings.STOP_TIMEOUT if own is None else own

    def _seconds_to_stop(self) -> float:
        settings = self._settings
        budget = settings.STOP_BUDGET
        if self._stop_deadline is not None:
            budget = min(self._stop_deadline - monotonic(), budget)
        return min(self._stop_timeout, max(budget, settings.CANCEL_TIMEOUT))

    def _allow(self, *seconds: float, is_time_limit: bool = False) -> None:
        """Cancel the task after each of *seconds* in turn, then abandon it."""
        self._limits = seconds
        self._is_time_limit = is_time_limit
        self._deadlines.set(self._on_deadline, seconds[0])

    def _on_deadline(self) -> None:
        passed, *left = self._limits
        if self._is_time_limit:
            self.timed_out, self._is_time_limit = passed, False
            if self.phase == "starting":
                left[0] = self._seconds_to_stop()
        self._limits = tuple(left)
        if left:
            self._deadlines.set(self._on_deadline, left[0])
        else:
            self._abandon()
        assert self._task is not None, "its start has set the deadline"
        self._task.cancel()

    def _abandon(self) -> None:
        logger.error(
            "lifespan resource %r did not finish after cancellation and was abandoned; "
            "it may still be open\n%s",
            self.resource.name,
            self.resource.declared_at.draw(),
        )
        if self.phase == "running" or self.timed_out is not None:
            self._on_ended(
                None if self.phase == "running" else asyncio.CancelledError()
            )
        else:
            self._finish("stopped")


def _is_cancelled(task: asyncio.Task[Any] | None) -> bool:
    if task is None or task.done():
        return False
    # The block of a nested lifespan is in a resource of the outer one.
    return is_cancelled(task) or task in _outlasting
