"""Lifespan: the registered resources, running while a block runs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, MutableMapping
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, final

from .._declare.keys import StateKey
from .._declare.plan import Plan, keys_only
from .._declare.registry import Registry, default_registry
from .._settings import LifespanSettings
from .._threads.asgiref import in_loop, use_loop
from .._threads.calling import call_on
from .._threads.cancellation import shielded
from .._threads.loop_thread import Portal
from ..exceptions import LifespanError, LifespanNotRunning
from .current import RunningLifespan, running
from .health import HealthChecks, ResourceHealth
from .overrides import Covered, overrides
from .run import Run
from .state import LifespanState
from .status import ResourceStatus

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup


T = TypeVar("T")
P = ParamSpec("P")


@final
class Lifespan:
    """
    The registered resources, running while a block runs::

        async with Lifespan() as state:
            page = await state[HTTP].get(url)

        with Lifespan(only=(HTTP,)) as state:  # sync code: a command, a shell, a task
            page = async_to_sync(state[HTTP].get)(url)

    In async code they run on the running event loop. In sync code they run on a
    thread with a loop of its own, and ``async_to_sync`` and ``call()`` run there too.

    *registry* is the default one unless told otherwise. *only* starts those keys
    and what they need, and no manager. It may be entered again after it was left.

    Entering raises what a resource raised at its start, after all that had started
    was closed again; a ``StartupError`` where a start took too long or raised what
    is no ``Exception``; a ``PlanError`` where nothing could be started. Leaving visits
    every resource and raises what one raised, or an ``ExceptionGroup`` of several.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        only: Iterable[StateKey[Any]] | None = None,
    ) -> None:
        self._registry = default_registry if registry is None else registry
        self._only = None if only is None else keys_only(only)
        self._run: Run | None = None
        # The process that has entered it: a fork of that has none of its connections.
        self._entered_in: int | None = None
        self._state = LifespanState({})
        self._covered: Covered | None = None
        self._kept_out: frozenset[str] = frozenset()
        self._checks: HealthChecks | None = None
        self._portal: Portal | None = None
        self._loop_before: asyncio.AbstractEventLoop | None = None
        self._before: RunningLifespan | None = None
        self._sync_before: RunningLifespan | None = None

    async def __aenter__(self) -> LifespanState:
        if self._entered_in == os.getpid():
            raise LifespanError(
                "this Lifespan runs already\n"
                "Make another one: async with Lifespan() as state:"
            )
        settings = LifespanSettings.read()
        values: dict[str, Any] = {}
        covered = overrides.join(values)
        try:
            plan = Plan(self._registry, self._only, covered.fakes)
        except BaseException:
            overrides.leave(covered)
            raise
        managers = self._registry.managers if self._only is None else ()
        self._state = LifespanState(values)
        self._covered = covered
        self._kept_out = frozenset(covered.fakes)
        # First: a run copies the context for its factories, which are in the block too.
        self._before = running.enter(self)
        outer = self._run_of_this_task()
        self._run = run = Run(plan, managers, values, covered, settings, outer=outer)
        self._checks = HealthChecks(run.owners.values(), values, run.context, settings)
        self._entered_in = os.getpid()
        running.add(run.loop, self)
        try:
            await run.start()
        except BaseException as error:
            running.failed(error)
            with shielded():
                await self._end(run)
            raise
        return self._state

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_in_parent():
            return
        if self._run is None or self._checks is None or self._entered_in is None:
            raise LifespanError(
                "this Lifespan does not run\nEnter it first: async with"
            )
        if self._checks.ended:
            raise LifespanError(
                "this Lifespan is being left already\nLeave it once: async with"
            )
        with shielded():
            errors = await self._end(self._run)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("lifespan resources failed to stop", errors)

    def _run_of_this_task(self) -> Run | None:
        """That of the resource which runs this lifespan, maybe inside another."""
        task, before = asyncio.current_task(), self._before
        while isinstance(before, Lifespan):
            if before._run is not None and before._run.has(task):
                return before._run
            before = before._before
        return None

    async def _end(self, run: Run) -> list[Exception]:
        assert self._checks is not None, "it was entered"
        try:
            await self._checks.end()
        finally:
            try:
                errors = await run.stop()
            finally:
                self._left()
        return errors

    def __enter__(self) -> LifespanState:
        if in_loop():
            raise LifespanError(
                "this code runs on an event loop, which a sync block would stop\n"
                "Write: async with Lifespan() as state:"
            )
        portal = Portal.shared()
        ran_before = self._entered_in == os.getpid()
        try:
            state = portal.run(self.__aenter__)
        except BaseException:
            try:
                # Interrupted when it had just started: nobody else will leave it.
                if not ran_before and self._entered_in == os.getpid():
                    portal.run(partial(self.__aexit__, None, None, None))
            finally:
                portal.release()
            raise
        self._portal = portal
        self._loop_before = use_loop(portal.loop)
        self._sync_before = running.enter(self)  # in the context of this thread
        return state

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_in_parent():
            return  # where it is closed
        portal, self._portal = self._portal, None
        if portal is None:
            raise LifespanError("this Lifespan does not run\nEnter it first: with")
        try:
            portal.run(partial(self.__aexit__, None, None, None))
        finally:
            portal.release()
            use_loop(self._loop_before)
            running.enter(self._sync_before)
            self._sync_before = None

    def call(
        self,
        function: Callable[P, Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """
        What the coroutine function returns, run on the resources' loop::

            page = lifespan.call(state[HTTP].get, url)

        What it does to the database is in the caller's transaction. Raises
        ``LifespanError`` where the lifespan does not run, and from async code.
        """
        loop = self.loop
        if loop is None:
            where = f" in this fork of {self._entered_in}" * self._is_in_parent()
            raise LifespanError(
                f"this Lifespan does not run{where}\n"
                "Enter it first: with Lifespan() as state:"
            )
        # A thread of a pool, say, is not in the block.
        before = running.enter(self)
        try:
            return call_on(loop, function, *args, **kwargs)
        finally:
            running.enter(before)

    def _check_up(self) -> None:
        # What crashed while receivers of asgi_startup were called: it is no start.
        assert self._run is not None, "it was entered"
        if (crash := self._run.crash()) is not None:
            raise crash

    def _will_stop(self) -> None:
        # Said before signals are sent, whose time is part of the budget; and Python
        # 3.10 cannot see that the task which entered it was cancelled.
        assert self._run is not None, "it was entered"
        self._run.expect_stop()

    def _mirror(self, values: MutableMapping[str, Any]) -> None:
        # What a server copies its requests' states from; a test overrides them too.
        assert self._covered is not None, "it was entered"
        self._covered.mirror(values)

    def _left(self) -> None:
        running.remove(self)
        assert self._covered is not None, "it is left once"
        overrides.leave(self._covered)
        self._covered = None
        running.enter(self._before)
        self._before = None  # else each would keep the one that its code came from
        self._entered_in = None

    def _is_in_parent(self) -> bool:
        return self._entered_in not in {None, os.getpid()}

    @property
    def registry(self) -> Registry:
        """What it starts."""
        return self._registry

    @property
    def only(self) -> tuple[StateKey[Any], ...] | None:
        """The keys that it starts, with what they need; None for all."""
        return self._only

    @property
    def kept_out(self) -> frozenset[str]:
        """What a test overrode when it started: neither that nor its needs start."""
        return self._kept_out

    @property
    def state(self) -> LifespanState:
        """What has started; it stays readable after the stop."""
        return self._state

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that it runs on; None while it does not run."""
        here = self._entered_in == os.getpid()
        return self._run.loop if self._run is not None and here else None

    @property
    def is_up(self) -> bool:
        """Whether its start is over, and its stop not near."""
        return self._run is not None and self._run.is_up and not self.is_stopping

    @property
    def is_stopping(self) -> bool:
        """Whether its stop is near, or has begun."""
        return (self._run is not None and self._run.will_stop) or (
            self._checks is not None and self._checks.ended
        )

    async def health(self) -> tuple[ResourceHealth, ...]:
        """
        A record of each resource, needs first, after its health check was made.

        Checks are made concurrently, each within ``LIFESPAN["HEALTH_TIMEOUT"]``;
        results are given again for ``LIFESPAN["HEALTH_CACHE"]`` seconds. Raises
        ``LifespanNotRunning`` where it does not run on this event loop.
        """
        loop = self.loop
        if loop is not asyncio.get_running_loop() or self._checks is None:
            where = "" if loop is None else " on this event loop"
            raise LifespanNotRunning(
                f"this Lifespan does not run{where}\n"
                "In sync code, write: lifespan.call(lifespan.health)"
            )
        return await self._checks.results()

    def status(self) -> tuple[ResourceStatus, ...]:
        """A record of each resource, needs first; empty before the first start."""
        if self._run is None:
            return ()
        needs, origin = self._run.plan.needs, self._run.began_at
        return tuple(
            owner.status(needs.get(name, ()), origin)
            for name, owner in self._run.owners.items()
        )
