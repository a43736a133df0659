"""Gate: one lifespan for each event loop that serves requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import Context
from functools import partial
from math import inf
from time import monotonic
from typing import Any, Final, Literal, NamedTuple, TypeAlias, final
from weakref import WeakKeyDictionary

from .._declare.registry import Registry
from .._log import ensure_visible, log_failure
from .._runtime.current import running
from .._runtime.failures import combined
from .._runtime.lifespan import Lifespan
from .._settings import LifespanSettings
from .._text import notes_in
from .._threads.asgiref import asyncio_loop
from .._threads.at_exit import at_exit
from .._threads.cancellation import shielded
from .._threads.fork import after_fork
from ..exceptions import InvalidSetting
from ..types import Scope
from .requests import RequestsInFlight
from .server_lifespan import share_state, start_with_signals, stop_with_signals

ServingPhase: TypeAlias = Literal[
    "starting", "running", "stopping", "failed", "stopped"
]


class Admission(NamedTuple):
    """The values for a request, and the record of the requests in flight."""

    values: Mapping[str, Any]
    requests: RequestsInFlight


class Outcome(NamedTuple):
    """How a lifespan ended, and when another one may start (monotonic clock)."""

    phase: ServingPhase
    retry_at: float


@final
class ServedLoop:
    """The lifespan of one event loop, from its startup to its shutdown."""

    def __init__(self, loop: asyncio.AbstractEventLoop, scope: Scope) -> None:
        self.loop = loop
        self.scope = scope
        """The scope of the server that started the lifespan, for the signals."""
        self.phase: ServingPhase = "starting"
        self.lifespan: Lifespan | None = None
        self.users = 0
        """The server scopes, and the late start, that use the lifespan."""
        self.requests = RequestsInFlight()
        self.startup_over = asyncio.Event()
        self.shutdown_over = asyncio.Event()
        self.late_start: asyncio.Task[None] | None = None
        """The task that holds a lifespan for which no server asked."""
        self.stop_requested = asyncio.Event()

    async def stop(self) -> None:
        """Stop a late start, and wait for its end."""
        if self.late_start is not None and not self.late_start.done():
            self.stop_requested.set()
            if not self.startup_over.is_set():
                self.late_start.cancel()
            await asyncio.wait({self.late_start})


@final
class Gate:
    """
    Runs one lifespan of *registry* for each event loop, and admits requests to it.

    A second server on the same loop joins the running lifespan; the last one to leave
    shuts it down.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.admissions: dict[asyncio.AbstractEventLoop, Admission] = {}
        """By loop, while a lifespan is running: all that most requests need."""
        self.on_late_start: Callable[[asyncio.AbstractEventLoop], bool] | None = None
        """Called after a late start; True if the server makes that unavoidable."""
        self._served: dict[asyncio.AbstractEventLoop, ServedLoop] = {}
        # How the latest lifespan of a loop ended; weak, since loops are forgotten.
        self._outcomes: WeakKeyDictionary[asyncio.AbstractEventLoop, Outcome] = (
            WeakKeyDictionary()
        )

    # --- The lifespan

    @asynccontextmanager
    async def open(self, scope: Scope) -> AsyncGenerator[None]:
        """Hold the lifespan of the running loop open for the block."""
        loop = asyncio_loop()
        served = await self._running_on(loop)
        if served is None:
            served = self._served[loop] = ServedLoop(loop, scope)
            await self._start(served)
        else:
            assert served.lifespan is not None, "it is running"
            served.users += 1
            share_state(served.lifespan, scope)
        try:
            yield
        except BaseException:
            await self._leave_after_error(served)
            raise
        errors = await self._leave(served, _stop_timeout())
        failure = combined(errors, "the lifespan failed to stop")
        if failure is not None:
            raise failure

    async def _running_on(self, loop: asyncio.AbstractEventLoop) -> ServedLoop | None:
        """Return what runs on *loop*, once what starts or stops there has ended."""
        while (served := self._served.get(loop)) is not None:
            if served.phase == "running":
                return served
            if served.phase == "starting":
                await served.startup_over.wait()
            else:
                await served.shutdown_over.wait()
        return None

    async def _start(self, served: ServedLoop) -> None:
        try:
            served.lifespan = await start_with_signals(self.registry, served.scope)
        except BaseException as error:
            running.record_failure(error)
            is_failure = isinstance(error, Exception)  # not a cancellation
            is_retried = is_failure and served.late_start is not None
            self._end(served, "failed", _retry_interval() if is_retried else inf)
            if is_failure:
                # Python 3.10 shows no notes, which name the resource.
                text = "\n".join(["the lifespan failed to start", *notes_in(error)])
                log_failure(text, error)
            raise
        served.users = 1
        served.phase = "running"
        values = served.lifespan.state.by_name
        self.admissions[served.loop] = Admission(values, served.requests)
        served.startup_over.set()

    async def _leave(self, served: ServedLoop, seconds: float) -> list[Exception]:
        """Leave the lifespan; returns the exceptions, which are in the log."""
        served.users -= 1
        if served.users or served.lifespan is None:
            return []
        served.phase = "stopping"
        self.admissions.pop(served.loop, None)
        with shielded():
            try:
                await served.requests.end(seconds)
            finally:
                try:
                    errors = await stop_with_signals(served.lifespan, served.scope)
                finally:
                    self._end(served, "stopped")
        return errors

    async def _leave_after_error(self, served: ServedLoop) -> None:
        # A server that cancels the lifespan (a second Ctrl-C) does not wait for long.
        if served.lifespan is not None and served.users == 1:
            served.lifespan.announce_stop()
        seconds = LifespanSettings.read().CANCEL_TIMEOUT
        await self._leave(served, seconds)

    def _end(
        self,
        served: ServedLoop,
        phase: Literal["failed", "stopped"],
        seconds: float = inf,
    ) -> None:
        """End the lifespan; another one may start late after *seconds*."""
        served.phase = phase
        served.lifespan = None
        served.startup_over.set()
        served.shutdown_over.set()
        self._outcomes[served.loop] = Outcome(phase, monotonic() + seconds)
        self._served.pop(served.loop, None)

    # --- A lifespan for which no server asks

    def start(self, loop: asyncio.AbstractEventLoop) -> ServedLoop:
        """
        Start a lifespan on *loop*, or return the one that is there.

        It ends by ``ServedLoop.stop``, when the loop cancels its tasks, or at exit.
        Must be called on the loop's own thread.
        """
        served = self._served.get(loop)
        if served is None:
            scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
            served = self._served[loop] = ServedLoop(loop, scope)
            holding = self._hold(served)
            # An empty context: it must not keep what belongs to the first request.
            task = Context().run(lambda: loop.create_task(holding, name="lifespan"))
            task.add_done_callback(partial(self._on_held, served))
            served.late_start = task
            _stop_at_exit(served)
        return served

    async def _hold(self, served: ServedLoop) -> None:
        try:
            await self._start(served)
        except Exception:
            return  # logged
        try:
            await served.stop_requested.wait()
        except BaseException:
            await self._leave_after_error(served)
            raise
        await self._leave(served, _stop_timeout())

    def _on_held(self, served: ServedLoop, _task: object) -> None:
        # A task that is cancelled before its first step never enters its coroutine.
        if not served.startup_over.is_set():
            self._end(served, "failed")

    # --- Requests

    def may_start(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether a lifespan may start on *loop* that no server asks for."""
        outcome = self._outcomes.get(loop)
        return outcome is None or monotonic() >= outcome.retry_at

    async def admit(self, scope: Scope) -> Admission | None:
        """
        Return what a request gets, once the startup is over; None to refuse it.

        Where the server sends no lifespan, the first request starts one, unless the
        calling code is inside the block of a ``Lifespan``.
        """
        loop = asyncio.get_running_loop()
        served = self._served.get(loop)
        if served is None:
            if (block := self._block_on(loop)) is not None:
                return Admission(block.state, RequestsInFlight())
            if not self.may_start(loop):
                return None
            served = self._start_late(loop, scope)
        await served.startup_over.wait()
        return self.admissions.get(loop)

    def requests(self) -> RequestsInFlight:
        """Return the requests in flight on the running loop."""
        served = self._served.get(asyncio.get_running_loop())
        # Inside the block of a Lifespan, which waits for no request.
        return RequestsInFlight() if served is None else served.requests

    def _block_on(self, loop: asyncio.AbstractEventLoop) -> Lifespan | None:
        block = running.entered_on(loop)
        if block is not None and block.registry is self.registry:
            return block
        outcome = self._outcomes.get(loop)
        if outcome is not None and outcome.phase == "failed":
            return None
        return running.complete_on(loop, self.registry)

    def _start_late(self, loop: asyncio.AbstractEventLoop, scope: Scope) -> ServedLoop:
        is_first = loop not in self._outcomes
        served = self.start(loop)
        is_usual = self.on_late_start is not None and self.on_late_start(loop)
        if is_first and not is_usual:
            from .late_start import log_late_start  # most servers send the lifespan

            is_other = any(gate.is_served(loop) for gate in all_gates())
            log_late_start(scope, is_other_registry=is_other)
        return served

    def is_served(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether a server has sent a lifespan for *loop*."""
        served = self._served.get(loop)
        return served is not None and served.late_start is None

    def forget(self) -> None:
        """Forget the loops of the parent process, in a forked child."""
        self.admissions.clear()
        self._served.clear()
        self._outcomes.clear()


_gates: Final[dict[Registry, Gate]] = {}


def gate_of(registry: Registry) -> Gate:
    """Return the gate of *registry*: its applications share one lifespan."""
    ensure_visible()
    gate = _gates.get(registry)
    if gate is None:
        gate = _gates[registry] = Gate(registry)
    return gate


def all_gates() -> list[Gate]:
    """Return the gates of all registries."""
    return list(_gates.values())


@after_fork
def _forget_all() -> None:
    for gate in all_gates():
        gate.forget()


def _retry_interval() -> float:
    try:
        return LifespanSettings.read().RETRY_INTERVAL
    except InvalidSetting:  # it stays invalid
        return inf


def _stop_timeout() -> float:
    return LifespanSettings.read().STOP_TIMEOUT


def _stop_at_exit(served: ServedLoop) -> None:
    def stop() -> None:
        loop = served.loop
        if loop.is_closed():
            return
        if loop.is_running():
            seconds = min(
                LifespanSettings.read().STOP_BUDGET + 2, threading.TIMEOUT_MAX
            )
            asyncio.run_coroutine_threadsafe(served.stop(), loop).result(seconds)
        else:
            loop.run_until_complete(served.stop())

    at_exit.add(stop)
    assert served.late_start is not None, "it has just been created"
    served.late_start.add_done_callback(lambda _: at_exit.discard(stop))
