"""Lifespan: runs the registered resources while a block runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, final

from .._declare.keys import StateKey
from .._declare.plan import Plan, keys_only
from .._declare.registry import Registry, registry_or_default
from .._declare.resources import Resource
from .._settings import LifespanSettings
from .._tasks.lifespan_task import LifespanTask
from .._threads.asgiref import is_in_loop, loop_in_use, renew_executor, use_loop
from .._threads.cancellation import shielded
from .._threads.interrupts import held_interrupts
from .._threads.loop_thread import LoopThread, call_on
from ..exceptions import LifespanError, LifespanNotRunning
from .current import running
from .failures import combined
from .observers import observed
from .overrides import OverriddenValues, overrides
from .run import Run
from .state import LifespanState

if TYPE_CHECKING:
    from .health import HealthChecks, ResourceHealth
    from .status import ResourceStatus

T = TypeVar("T")
P = ParamSpec("P")


@final
class Lifespan:
    """
    Runs the registered resources while a block runs::

        async with Lifespan() as state:
            page = await state[HTTP].get(url)

        with Lifespan(only=(HTTP,)) as state:  # sync code: a command, a shell, a task
            page = async_to_sync(state[HTTP].get)(url)

    In async code the resources run on the running event loop. In sync code they run on
    the loop of a background thread, where ``async_to_sync`` and ``call()`` run, too.

    :param registry: the ``Registry`` to start; None for the default one.
    :param only: the keys to start with their dependencies, and no manager; None for
        everything.
    :param extra_managers: managers to start beside those of the registry.
    :param run_tasks: True to run all background tasks, as a server does; False to run
        none; None to run those in *only*. The others are on standby.

    Entering raises the exception of the resource that failed to start, after everything
    that had started was shut down again; a ``StartupError`` if it took too long or
    raised something that is no ``Exception``; a ``PlanError`` before anything starts.
    Leaving shuts down every resource, then raises what one raised, or an
    ``ExceptionGroup`` of several. The object may be entered again afterwards.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        only: Iterable[StateKey[Any]] | None = None,
        extra_managers: Sequence[Resource[Any]] = (),
        run_tasks: bool | None = None,
    ) -> None:
        self._registry = registry_or_default(registry)
        self._only = None if only is None else keys_only(only)
        self._extra_managers = tuple(extra_managers)
        self._run_tasks = run_tasks
        self._users = 0
        self._pid: int | None = None  # the process that it runs in
        self._run: Run | None = None
        self._checks: HealthChecks | None = None
        self._state = LifespanState({})
        self._overridden: OverriddenValues | None = None
        self._kept_out: frozenset[str] = frozenset()
        self._before: Lifespan | None = None
        self._leaving: ExitStack | None = None  # leaves the sync block

    # --- The async block

    async def __aenter__(self) -> LifespanState:
        if self._is_running:
            raise LifespanError(
                "this Lifespan is already running\n"
                "Create another one: async with Lifespan() as state:"
            )
        renew_executor()
        settings = LifespanSettings.read()
        overridden = overrides.join()
        try:
            plan = Plan(self._registry, self._only, overridden.initial)
        except BaseException:
            overrides.leave(overridden)
            raise
        managers = self._registry.managers if self._only is None else ()
        self._overridden = overridden
        self._kept_out = frozenset(overridden.initial)
        self._state = LifespanState(overridden.values)
        # Before the run copies the context: factories are inside the block, too.
        self._before = running.enter(self)
        self._run = Run(
            plan,
            (*managers, *self._extra_managers),
            overridden,
            settings,
            () if self._run_tasks else self._tasks_on_standby(plan),
        )
        self._checks = None
        self._users, self._pid = 1, os.getpid()
        running.add(self._run.loop, self)
        with observed(self, "startup", self._run.began_at):
            try:
                await self._run.start()
            except BaseException as error:
                running.record_failure(error)
                self._users = 0
                with shielded():
                    await self._shut_down(self._run)
                raise
        return self._state

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_in_parent:
            return  # the parent shuts it down
        if self._run is None or not self._users:
            raise LifespanError(
                "this Lifespan is not running\n"
                "Enter it first: async with Lifespan() as state:"
            )
        self._users -= 1
        if self._users:
            return  # the last user shuts it down
        with observed(self, "shutdown", self._run.began_at):
            with shielded():
                errors = await self._shut_down(self._run)
            failure = combined(errors, "lifespan resources failed to stop")
            if failure is not None:
                raise failure

    def join(self) -> None:
        """
        Use the running lifespan once more.

        It shuts down when the last user leaves it by ``__aexit__``.
        """
        self._users += 1

    def announce_stop(self) -> None:
        """Start the time budget of the shutdown, if the last user is about to leave."""
        if self._run is not None and self._users == 1:
            self._run.announce_stop()

    def raise_crash(self) -> None:
        """Raise the error of a required resource that has crashed, if any has."""
        crash = None if self._run is None else self._run.crash()
        if crash is not None:
            raise crash

    def _tasks_on_standby(self, plan: Plan) -> set[str]:
        """Return the names of the background tasks that nothing runs here."""
        tasks = {each.name for each in plan.order if isinstance(each, LifespanTask)}
        if self._run_tasks is None:
            tasks.difference_update(key.name for key in self._only or ())
        return tasks

    async def _shut_down(self, run: Run) -> list[Exception]:
        run.announce_stop()
        try:
            if self._checks is not None:
                await self._checks.end()
        finally:
            try:
                errors = await run.stop()
            finally:
                running.remove(self)
                assert self._overridden is not None, "it was entered"
                overrides.leave(self._overridden)
                self._overridden = None
                running.enter(self._before)
                self._before = None
                self._pid = None
        return errors

    # --- The sync block

    def __enter__(self) -> LifespanState:
        if is_in_loop():
            raise LifespanError(
                "this code runs on an event loop, which a sync block would block\n"
                "Write: async with Lifespan() as state:"
            )
        leaving = ExitStack()
        try:
            with held_interrupts, ExitStack() as starting:
                starting.callback(use_loop, loop_in_use())  # restored last
                thread = LoopThread.acquire()
                starting.callback(thread.release)
                state = thread.run(self.__aenter__)
                leave = partial(self.__aexit__, None, None, None)
                starting.callback(thread.run, leave)
                use_loop(thread.loop)
                starting.callback(running.enter, running.enter(self))
                leaving = starting.pop_all()
            self._leaving = leaving
            return state
        except BaseException:  # interrupted after everything had started
            with held_interrupts:
                leaving.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with held_interrupts:
            if self._is_in_parent:
                return  # the parent shuts it down
            leaving, self._leaving = self._leaving, None
            if leaving is None:
                raise LifespanError(
                    "this Lifespan is not running\n"
                    "Enter it first: with Lifespan() as state:"
                )
            leaving.close()

    def call(
        self,
        function: Callable[P, Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """
        Run a coroutine function on the loop of the resources, from sync code::

            page = lifespan.call(state[HTTP].get, url)

        Its queries are part of the caller's transaction. Returns what it returns.
        Raises ``LifespanError`` if the lifespan is not running, and in async code.
        """
        loop = self.loop
        if loop is None:
            where = f" in this fork of process {self._pid}" * self._is_in_parent
            raise LifespanError(
                f"this Lifespan is not running{where}\n"
                "Enter it first: with Lifespan() as state:"
            )
        # The thread may be one of a pool, which is not inside the block.
        before = running.enter(self)
        try:
            return call_on(loop, function, *args, **kwargs)
        finally:
            running.enter(before)

    # --- State

    @property
    def registry(self) -> Registry:
        """The registry whose resources it starts."""
        return self._registry

    @property
    def only(self) -> tuple[StateKey[Any], ...] | None:
        """The keys that it starts, with their dependencies; None for all."""
        return self._only

    @property
    def kept_out(self) -> frozenset[str]:
        """The names that a test overrode at startup, so that they did not start."""
        return self._kept_out

    @property
    def state(self) -> LifespanState:
        """The running values; still readable after the shutdown."""
        return self._state

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that it runs on; None while it is not running."""
        return self._run.loop if self._run is not None and self._is_running else None

    @property
    def is_up(self) -> bool:
        """Whether its startup has succeeded, and its shutdown is not announced."""
        return self._run is not None and self._run.is_up and not self.is_stopping

    @property
    def is_stopping(self) -> bool:
        """Whether its shutdown is announced or has begun."""
        return self._run is not None and self._run.is_stop_announced

    @property
    def _is_running(self) -> bool:
        return self._pid == os.getpid()

    @property
    def _is_in_parent(self) -> bool:
        return self._pid not in {None, os.getpid()}

    async def health(self) -> tuple[ResourceHealth, ...]:
        """
        Check the health of every resource; returns a record of each.

        Checks run concurrently, each for at most ``LIFESPAN["HEALTH_TIMEOUT"]``
        seconds; results are reused for ``LIFESPAN["HEALTH_CACHE"]`` seconds. Raises
        ``LifespanNotRunning`` if it is not running on this event loop.
        """
        loop = self.loop
        if loop is not asyncio.get_running_loop() or self._run is None:
            where = "" if loop is None else " on this event loop"
            raise LifespanNotRunning(
                f"this Lifespan is not running{where}\n"
                "In sync code, write: lifespan.call(lifespan.health)"
            )
        if self._checks is None:
            from .health import HealthChecks  # most lifespans are never asked

            self._checks = HealthChecks(self._run, self._state.by_name)
        return await self._checks.results()

    def status(self) -> tuple[ResourceStatus, ...]:
        """Return a record of each resource, dependencies first; empty before start."""
        if self._run is None:
            return ()
        dependencies, origin = self._run.plan.dependencies, self._run.began_at
        values = self._state.by_name
        return tuple(
            task.status(tuple(dependencies.get(name, ())), origin, values.get(name))
            for name, task in self._run.tasks.items()
        )
