"""Run: starts the resources of a plan concurrently and stops them in reverse."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from itertools import pairwise
from logging import INFO
from time import monotonic
from typing import Any, final

from .._declare.plan import Plan
from .._declare.resources import Resource
from .._log import exc_info, logger
from .._settings import LifespanSettings
from .._tasks.lifespan_task import LifespanTask
from .._threads.database import OpenedConnections
from .deadlines import Deadlines
from .failures import (
    crashed,
    failed_start,
    failed_stop,
    timed_out_start,
    timed_out_stop,
)
from .overrides import OverriddenValues
from .publication import Publication
from .resource_task import ResourceTask
from .run_log import Repeating, log_slow, log_started, log_stopped


@final
class Countdown:
    """
    Gives each name once, as soon as all names before it are done.

    ``graphlib.TopologicalSorter`` does the same in four times the time.
    """

    def __init__(
        self,
        before: Mapping[str, Collection[str]],
        after: Mapping[str, Collection[str]],
    ) -> None:
        self._left = {name: len(names) for name, names in before.items()}
        self._after = after

    def first(self) -> list[str]:
        """Return the names that have no others before them."""
        return [name for name, left in self._left.items() if not left]

    def done(self, name: str) -> list[str]:
        """Return the names for which *name* was the last."""
        last: list[str] = []
        for other in self._after[name]:
            self._left[other] -= 1
            if not self._left[other]:
                last.append(other)
        return last


@final
class Run:
    """One startup and one shutdown of the resources of a plan, and of managers."""

    def __init__(
        self,
        plan: Plan,
        managers: Sequence[Resource[Any]],
        values: OverriddenValues,
        settings: LifespanSettings,
        standby: Collection[str],
    ) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.context = copy_context()
        """The context in copies of which factories and health checks run."""
        self.began_at = monotonic()
        self.is_up = False
        """Whether the startup has succeeded."""
        self.is_stop_announced = False
        """Whether the shutdown has been announced."""
        publication = Publication(plan, values.publish)
        deadlines = Deadlines()
        self.tasks = {
            resource.name: ResourceTask(
                resource, settings, deadlines, publication.publish, self._on_report
            )
            for resource in (*plan.order, *managers)
        }
        self._managers = [manager.name for manager in managers]
        self._values = values
        self._standby = standby
        self.settings = settings
        self._opened = OpenedConnections()
        self._reports: deque[ResourceTask] = deque()
        self._wake: asyncio.Future[None] | None = None

    # --- Startup

    async def start(self) -> None:
        """
        Start each resource once its dependencies have started.

        Raises the first failure of a resource that is not optional; the caller then
        has to call ``stop``.
        """
        slow = Repeating(
            self.settings.REPORT_INTERVAL, lambda: self._log("starting", self.began_at)
        )
        others = dict.fromkeys(self._managers, ())
        order = Countdown(
            {**self.plan.dependencies, **others}, {**self.plan.dependents, **others}
        )
        waiting = set(self.tasks)
        """The resources that have neither started nor failed."""
        lost: set[str] = set()
        """The optional resources that have failed, and their dependents."""
        try:
            with self._opened:
                self._launch(order.first())
                while waiting:
                    task = await self._next_report()
                    name = task.resource.name
                    waiting.discard(name)
                    if task.phase == "running":
                        self._log_started(task)
                        self._launch(order.done(name))
                    elif name not in lost:
                        self._describe(task)
                        if not task.resource.optional:
                            raise _error_of(task)
                        lost |= self._go_on_without(task)
                        waiting -= lost
        finally:
            slow.cancel()
        self.is_up = True
        await self._opened.close(self.settings.CANCEL_TIMEOUT)
        log_started(self.plan, self.tasks.values(), self.began_at)

    def crash(self) -> BaseException | None:
        """Return the error of a required resource that is not running any more."""
        for task in self.tasks.values():
            if task.is_dead and not task.resource.optional:
                return _error_of(task)
        return None

    def _launch(self, names: Iterable[str]) -> None:
        for name in names:
            task = self.tasks[name]
            if task.phase == "waiting":  # not skipped
                # A copy: with eager tasks, the task runs inside this context now.
                task.start(self.context.copy(), self._manager_of(task.resource))

    def _manager_of(self, resource: Resource[Any]) -> AbstractAsyncContextManager[Any]:
        if isinstance(resource, LifespanTask) and resource.name in self._standby:
            return resource.standby()
        values = (self._values.value_of(need.name) for need in resource.needs)
        return resource.open(*values)

    def _go_on_without(self, task: ResourceTask) -> set[str]:
        """Skip the dependents of *task*; returns the names of all that is lost."""
        logger.error(
            "optional lifespan resource %r failed; starting without it",
            task.resource.name,
            exc_info=exc_info(task.error),
        )
        lost = {task.resource.name}
        ahead = deque([task])
        while ahead:
            dependency = ahead.popleft()
            for name in self.plan.dependents.get(dependency.resource.name, ()):
                dependent = self.tasks[name]
                if dependent.phase == "waiting":
                    dependent.skip(dependency)
                    lost.add(name)
                    ahead.append(dependent)
                    logger.error("%s", dependent.error)
        return lost

    # --- Shutdown

    def announce_stop(self) -> None:
        """Announce the shutdown: its time budget begins."""
        if not self.is_stop_announced:
            self.is_stop_announced = True
            deadline = monotonic() + self.settings.STOP_BUDGET
            for task in self.tasks.values():
                task.announce_stop(deadline)

    async def stop(self) -> list[Exception]:
        """
        Stop each resource once its dependents have stopped; returns the errors.

        If it is cancelled, it continues to the end within its time limits and then
        raises the cancellation.
        """
        began = monotonic()
        self.announce_stop()
        for task in reversed(self.tasks.values()):
            if task.phase in {"waiting", "starting"}:
                task.stop()
        # Managers stop one by one, the last one first, as in an exit stack.
        others = dict.fromkeys(self._managers, ())
        later = {first: (second,) for first, second in pairwise(self._managers)}
        order = Countdown(
            {**self.plan.dependents, **others, **later},
            {**self.plan.dependencies, **others, **self._managers_before()},
        )
        slow = Repeating(
            self.settings.REPORT_INTERVAL, lambda: self._log("stopping", began)
        )
        cancelled: asyncio.CancelledError | None = None
        ready = order.first()
        stopping: set[str] = set()
        with self._opened:
            while ready or stopping:
                for name in ready:  # grows
                    self.tasks[name].stop()
                    if self.tasks[name].is_finished:
                        ready += order.done(name)
                    else:
                        stopping.add(name)
                ready = []
                if not stopping:
                    break
                try:
                    task = await self._next_report()
                except asyncio.CancelledError as error:
                    cancelled = error
                    continue
                self._describe(task)
                if task.is_finished and task.resource.name in stopping:
                    stopping.remove(task.resource.name)
                    ready = order.done(task.resource.name)
        slow.cancel()
        while self._reports:
            self._describe(self._reports.popleft())
        await self._opened.close(self.settings.CANCEL_TIMEOUT, always=True)
        if self.is_up:
            log_stopped(began)
        if cancelled is not None:
            raise cancelled
        errors = (task.stop_error for task in reversed(self.tasks.values()))
        return [error for error in errors if error is not None]

    # --- Reports of the tasks

    def _on_report(self, task: ResourceTask) -> None:
        self._reports.append(task)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _next_report(self) -> ResourceTask:
        while not self._reports:
            self._wake = self.loop.create_future()
            await self._wake
        return self._reports.popleft()

    def _describe(self, task: ResourceTask) -> None:
        """Build the error of a failed *task* as it is shown, and log how it ended."""
        resource, raised, seconds = task.resource, task.raised, task.timed_out
        if task.phase == "stopped" and task.started_at is not None:
            milliseconds = (monotonic() - task.began_at) * 1000
            logger.info("stopped %r in %.1f ms", resource.name, milliseconds)
        if task.phase != "failed" or raised is None or task.error is not None:
            return
        waiting = self._waiting_for(task)
        if task.failed_to == "start":
            task.error = (
                failed_start(resource, raised)
                if seconds is None
                else timed_out_start(resource, raised, seconds, waiting)
            )
            if self.is_stop_announced:
                logger.error(
                    "%r failed to start, too",
                    resource.name,
                    exc_info=exc_info(task.error),
                )
        else:
            task.error = (
                failed_stop(resource, raised)
                if seconds is None
                else timed_out_stop(resource, raised, seconds, waiting)
            )
            logger.error(
                "%r failed to stop", resource.name, exc_info=exc_info(task.error)
            )

    # --- The log

    def _log_started(self, task: ResourceTask) -> None:
        if logger.isEnabledFor(INFO) and task.started_at is not None:
            milliseconds = (task.started_at - task.began_at) * 1000
            logger.info("started %r in %.1f ms", task.resource.name, milliseconds)

    def _log(self, phase: str, began: float) -> None:
        slow = [task for task in self.tasks.values() if task.phase == phase]
        log_slow([(task, self._waiting_for(task)) for task in slow], began)

    def _waiting_for(self, task: ResourceTask) -> list[str]:
        """Return the names of what cannot start, or stop, before *task* has."""
        name, plan = task.resource.name, self.plan
        names: Sequence[str] = plan.dependents.get(name, ())
        if task.failed_to == "stop" or task.phase == "stopping":
            names = plan.dependencies.get(name) or self._managers_before().get(name, ())
        return [name for name in names if not self.tasks[name].is_finished]

    def _managers_before(self) -> dict[str, tuple[str, ...]]:
        """Return the manager that stops after each manager."""
        return {second: (first,) for first, second in pairwise(self._managers)}


def _error_of(task: ResourceTask) -> BaseException:
    return crashed(task.resource, None) if task.error is None else task.error
