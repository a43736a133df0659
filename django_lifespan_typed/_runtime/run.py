"""One run of a plan: starts owners along it, stops them against it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextvars import copy_context
from time import monotonic
from typing import Any, final

from .._declare.plan import Plan
from .._declare.resources import Resource
from .._log import logger
from .._settings import LifespanSettings
from .._threads.database import Opened, close_connections
from .failures import crashed
from .overrides import Covered
from .publication import Publication
from .resource_task import Owner
from .run_log import Repeating, log_slow, log_started, log_stopped


@final
class Run:
    """The owners of a plan's resources, and of managers, which need nobody."""

    def __init__(
        self,
        plan: Plan,
        managers: tuple[Resource[Any], ...],
        values: dict[str, Any],
        covered: Covered,
        settings: LifespanSettings,
        *,
        outer: Run | None = None,
    ) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.owners = {
            resource.name: Owner(resource, self, settings)
            for resource in (*plan.order, *managers)
        }
        self._managers = [self.owners[manager.name] for manager in managers]
        self._publication = Publication(plan, covered.publish)
        self._values = values
        self._fakes = covered.fakes
        self._settings = settings
        self.context = copy_context()
        """Where it was entered, and what its code runs in copies of."""
        self._entered_by = asyncio.current_task()
        self._outer = outer
        """That of the resource which runs this one."""
        self._unmet = {name: len(needs) for name, needs in plan.needs.items()}
        self._ready: deque[Owner] = deque()
        self._beginning = False
        self._lost: deque[Owner] = deque()
        self._skipping = False
        self.began_at = monotonic()
        """When the start began, on the monotonic clock."""
        self._unstarted = len(self.owners)
        self._unfinished = len(self.owners)
        self._failure: BaseException | None = None
        self.will_stop = False
        """Set when the stop is near: who is cancelled from then on waits its turn."""
        self.is_up = False
        """Set when the start is over."""
        self._stopping = False
        self._stop_before = float("inf")
        self._changed: asyncio.Future[None] | None = None

    # --- Start and stop

    async def start(self) -> None:
        """
        Start each owner as soon as what it needs has started; return when all have.

        Raises what the first one raised that failed; whoever calls must then stop.
        """
        began = self.began_at
        slow = Repeating(self._settings.REPORT_INTERVAL, lambda: self._log_slow(began))
        try:
            with Opened() as opened:
                self._begin_all()
                while self._unstarted and self._failure is None:
                    await self._change()
        finally:
            slow.cancel()
        if self._failure is not None:
            raise self._failure
        self.is_up = True
        await opened.close(self._settings.CANCEL_TIMEOUT)
        log_started(self.plan, self.owners.values(), began)

    def has(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether one of its owners works in *task*."""
        return any(owner.works_in(task) for owner in self.owners.values())

    def crash(self) -> BaseException | None:
        """That of one that has to run, and does not any more."""
        for owner in self.owners.values():
            dead = owner.started_at is not None and not owner.usable
            if dead and not owner.resource.optional:
                return owner.error or crashed(owner.resource, None)
        return None

    def expect_stop(self) -> None:
        """The stop is near: its budget begins, and who is cancelled waits its turn."""
        if not self.will_stop:
            self.will_stop = True
            self._stop_before = monotonic() + self._settings.STOP_BUDGET

    async def stop(self) -> list[Exception]:
        """
        Stop each owner as soon as all that need it have stopped; cancel those that
        still start. Returns what went wrong, when the last of them has ended.

        Cancelled, it goes on to the end, within the time limits, and then raises.
        """
        began = monotonic()
        self._stopping = True
        if not self.will_stop:
            self._stop_before = began + self._settings.STOP_BUDGET
        latest_first = list(self.owners.values())[::-1]
        for owner in latest_first:
            if owner.phase in {"waiting", "starting"}:
                owner.stop()
        self._stop_last_manager()
        for owner in latest_first:
            self._stop_if_unneeded(owner)
        cancelled = await self._until_finished(began)
        await close_connections(self._settings.CANCEL_TIMEOUT)
        log_stopped(began)
        if cancelled is not None:
            raise cancelled
        return [owner.stop_error for owner in latest_first if owner.stop_error]

    async def _until_finished(self, began: float) -> asyncio.CancelledError | None:
        slow = Repeating(self._settings.REPORT_INTERVAL, lambda: self._log_slow(began))
        cancelled = None
        while self._unfinished:
            try:
                await self._change()
            except asyncio.CancelledError as error:
                cancelled = error  # rule 6: what is open is closed all the same
        slow.cancel()
        return cancelled

    def _begin_all(self) -> None:
        # Told apart before any starts: an eager task starts at once.
        owners = self.owners.items()
        self._begin([owner for name, owner in owners if not self._unmet.get(name)])

    def _begin(self, owners: Iterable[Owner]) -> None:
        self._ready.extend(owners)
        if self._beginning:
            return  # by an eager task, which would nest in the one that begins it
        self._beginning = True
        try:
            while self._ready and self._failure is None:
                owner = self._ready.popleft()
                if owner.phase != "waiting":
                    continue  # skipped: a need of it has crashed meanwhile
                values = [self._value(need.name) for need in owner.resource.needs]
                # A copy each: an eager task runs inside the context of another.
                owner.start(self.context.copy(), values)
        finally:
            self._beginning = False

    def _value(self, name: str) -> Any:
        # A test may have ended its override while the resources were starting.
        return self._values[name] if name in self._values else self._fakes[name]

    def _go_on_without(self, owner: Owner, wrong: BaseException) -> None:
        # A skipped one has no traceback of its own.
        was_skipped = owner.start_began_at is None
        problem = getattr(wrong, "problem", "") if was_skipped else "failed"
        try:
            logger.error(
                "optional %r %s; going on without it",
                owner.resource.name,
                problem,
                exc_info=None if was_skipped else wrong,
            )
        finally:  # a filter of the log may fail itself
            if owner.start_error is not None:
                self._unstarted -= 1
            self._skip_what_needs(owner)

    def _skip_what_needs(self, owner: Owner) -> None:
        self._lost.append(owner)
        if self._skipping:
            return  # chains may be longer than Python's stack
        self._skipping = True
        try:
            while self._lost:
                lost = self._lost.popleft()
                for name in self.plan.needed_by[lost.resource.name]:
                    if self.owners[name].phase == "waiting":
                        self.owners[name].skip(lost)
        finally:
            self._skipping = False

    def _stop_if_unneeded(self, owner: Owner) -> None:
        dependents = self.plan.needed_by.get(owner.resource.name)
        if (
            dependents is not None
            and owner.phase == "running"
            and all(self.owners[name].finished for name in dependents)
        ):
            owner.stop()

    def _stop_last_manager(self) -> None:
        # One after the other, as an exit stack does: nothing says whom they need.
        while self._managers and self._managers[-1].finished:
            self._managers.pop()
        if self._managers and self._managers[-1].phase == "running":
            self._managers[-1].stop()

    # --- Told by the owners

    def publish(self, owner: Owner) -> None:
        """Put on the state what *owner* holds."""
        if owner.resource.name in self.plan.needs:
            self._publication.publish(owner.resource, owner.value)
        else:
            self._publication.publish_all(owner.resource, owner.value)

    def on_started(self, owner: Owner) -> None:
        """Start whoever waited for *owner* alone."""
        self._unstarted -= 1
        if not self._stopping and self._failure is None:
            for name in self.plan.needed_by.get(owner.resource.name, ()):
                self._unmet[name] -= 1
                if not self._unmet[name]:
                    self._begin([self.owners[name]])
        self._wake()

    def on_finished(self, owner: Owner) -> None:
        """Stop whoever was kept by *owner* alone."""
        self._unfinished -= 1
        wrong = owner.start_error
        if owner.phase == "crashed" and not (self.is_up or self._stopping):
            wrong = owner.error  # those that need it would start with what is dead
        try:
            if wrong is not None and owner.resource.optional and not self._stopping:
                self._go_on_without(owner, wrong)
            elif wrong is not None:
                if self._failure is None and not self._stopping:
                    self._failure = wrong
                else:
                    name = owner.resource.name
                    logger.error("failed to start %r too", name, exc_info=owner.error)
        finally:
            if self._stopping:
                for name in self.plan.needs.get(owner.resource.name, ()):
                    self._stop_if_unneeded(self.owners[name])
                self._stop_last_manager()
            self._wake()

    # --- Asked by the owners

    def is_ending(self) -> bool:
        """Whether the cancellation of an owner is part of the end of it all."""
        task, outer = self._entered_by, self._outer
        cancelling = getattr(task, "cancelling", None)  # Python 3.11
        return (
            self._stopping
            or self.will_stop
            or bool(task and not task.done() and cancelling and cancelling())
            # Whose task takes back that it was cancelled, and holds on.
            or bool(outer and outer._unfinished and outer.is_ending())
        )

    def is_stopping(self) -> bool:
        """Whether every owner is, or will be, told to stop."""
        return self._stopping

    def seconds_left(self) -> float:
        """
        What is left of the stop budget, all of it before the stop has begun, and
        always the time to unwind.
        """
        settings = self._settings
        left = min(self._stop_before - monotonic(), settings.STOP_BUDGET)
        return max(left, settings.CANCEL_TIMEOUT)

    def waiting_for(self, owner: Owner) -> list[str]:
        """Who cannot start, or stop, before *owner* has."""
        stops = owner.phase == "stopping"
        table = self.plan.needs if stops else self.plan.needed_by
        names: Iterable[str] = table.get(owner.resource.name, ())
        if stops and owner in self._managers:
            names = [before.resource.name for before in self._managers[:-1]]
        return [name for name in names if not self.owners[name].finished]

    # --- Waiting

    async def _change(self) -> None:
        self._changed = self.loop.create_future()
        await self._changed

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _log_slow(self, began: float) -> None:
        verb = "stopping" if self._stopping else "starting"
        slow = [owner for owner in self.owners.values() if owner.phase == verb]
        log_slow([(owner, self.waiting_for(owner)) for owner in slow], verb, began)
