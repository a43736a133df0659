"""Which lifespan serves which event loop of the applications in this process."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from functools import partial
from typing import Any, Final, Literal, TypeAlias, final
from weakref import WeakKeyDictionary, WeakSet, ref

from .._declare.registry import Registry, default_registry
from .._log import logger
from .._runtime.current import RunningLifespan, running
from .._runtime.lifespan import Lifespan
from .._settings import LifespanSettings
from .._threads.at_exit import at_exit
from .._threads.cancellation import shielded
from ..types import Scope, Send
from .requests import end_cut_off
from .signalled import run_with_signals

Phase: TypeAlias = Literal["starting", "running", "failed", "stopped"]

# What makes each server send the lifespan that it did not send. Those that a site may
# import without being served by them come last.
_WORKER: Final = 'give the uvicorn worker CONFIG_KWARGS = {"lifespan": "on"}'
_FLAGS: Final = {
    "granian": "run granian with --interface asgi",
    "hypercorn": "look for what keeps the lifespan from it: hypercorn sends it",
    "uvicorn_worker": _WORKER,
    "uvicorn.workers": _WORKER,
    "gunicorn": "run gunicorn -k asgi with --asgi-lifespan on",
    "uvicorn": "run uvicorn with --lifespan on",
}

_NO_SERVER: Final = (
    "serve with a server that sends it (in a test, call the application in a block: "
    "async with Lifespan())"
)

_UNAVAILABLE: Final = b"Service Unavailable: the application is not running.\n"


@final
class Record:
    """What is known of the lifespan of one event loop."""

    def __init__(self) -> None:
        self.phase: Phase = "starting"
        self.values: dict[str, Any] = {}
        self.lifespan: Lifespan | None = None
        """What runs; None before and after."""
        self.settled: asyncio.Event = asyncio.Event()
        """Set once the start is over, well or badly."""
        self.task: asyncio.Task[None] | None = None
        """What holds a lifespan that no server asked for."""
        self.requests: WeakSet[asyncio.Task[Any]] = WeakSet()
        """Who was admitted, or waits for it."""
        self.before: Record | None = None
        """That of another server of this loop, which may go on when this one stops."""
        self.has_state = False
        """Whether requests come with the state."""
        self._told_to_stop = asyncio.Event()

    @property
    def running_before(self) -> Record | None:
        """The latest of those before that runs still."""
        before = self.before
        while before is not None and before.phase != "running":
            before = before.before
        return before

    @property
    def all_have_state(self) -> bool:
        """Whether the requests of every server of this loop come with the state."""
        record: Record | None = self
        while record is not None and record.has_state:
            record = record.running_before
        return record is None

    @property
    def is_stopping(self) -> bool:
        """Whether ``stop`` was called."""
        return self._told_to_stop.is_set()

    def settle(self, phase: Phase) -> None:
        self.phase = phase
        self.settled.set()

    @classmethod
    def of_the_past(cls, phase: Phase) -> Record:
        """A record that remembers how it ended, and nothing else."""
        record = cls()
        record.settle(phase)
        return record

    async def hold(self) -> None:
        """Wait until it is told to stop, or cancelled."""
        await self._told_to_stop.wait()

    async def stop(self) -> None:
        """End what ``Host.start`` started, and wait for it."""
        if self.task is not None and not self.task.done():
            self._told_to_stop.set()
            if not self.settled.is_set():
                self.task.cancel()
            await asyncio.wait({self.task})


@final
class Host:
    """Brings a lifespan of *registry* to each event loop that serves requests."""

    def __init__(self, registry: Registry) -> None:
        self.serving: set[asyncio.AbstractEventLoop] = set()
        """The loops whose requests come with the state and need nothing more."""
        self.on_late_start: Callable[[asyncio.AbstractEventLoop], bool] | None = None
        """Told where the first request started a lifespan; whether that is normal."""
        # Weak, for the registry is what keeps the host.
        self._registry = ref(registry)
        # Weak: whoever ends a loop may forget it, and we with them.
        self._records: WeakKeyDictionary[asyncio.AbstractEventLoop, Record] = (
            WeakKeyDictionary()
        )
        # Those that start while another of the same loop runs.
        self._coming: WeakKeyDictionary[asyncio.AbstractEventLoop, Record] = (
            WeakKeyDictionary()
        )

    # --- Where the server sends a lifespan

    @asynccontextmanager
    async def lifespan(self, scope: Scope) -> AsyncGenerator[None]:
        """Serve the running loop, from its server's startup to its shutdown."""
        loop = asyncio.get_running_loop()
        record = Record()
        record.has_state = "state" in scope
        before = self._records.get(loop)
        if before is None or before.phase != "running":
            self._records[loop] = record
        else:
            self._coming[loop] = record
        async with self._recorded(loop, record, scope):
            yield
            await end_cut_off(loop, LifespanSettings.read().STOP_TIMEOUT)

    # --- Where it does not

    def start(self, loop: asyncio.AbstractEventLoop) -> Record:
        """
        Start a lifespan on *loop*, to end with ``Record.stop``, with the loop's last
        cancellation, or at exit. To be called on the loop's own thread.
        """
        record = self._records.get(loop)
        if record is None or record.phase == "stopped":
            record = self._records[loop] = Record()
            holding = self._hold(loop, record)
            # An empty context: what belongs to the first request ends with it.
            record.task = Context().run(
                lambda: loop.create_task(holding, name="lifespan")
            )
            record.task.add_done_callback(partial(self._on_held, loop, record))
            self._close_at_exit(loop, record)
        return record

    async def admit(self, scope: Scope) -> bool:
        """
        Whether a request may be served, once the start is over. It is given the state
        where its server has none; where the server sends no lifespan, the first
        request starts one, unless the code that calls us is in a block of one.
        """
        loop = asyncio.get_running_loop()
        record = self._records.get(loop)
        if (block := self._block_on(loop, record)) is not None:
            scope["state"] = {**block.state, **scope.get("state", {})}
            return True
        record = record or self._start_late(loop)
        if (task := asyncio.current_task()) is not None:
            record.requests.add(task)
        if not record.settled.is_set():
            await record.settled.wait()
        if record.phase != "running":
            return False
        scope["state"] = {**record.values, **scope.get("state", {})}
        return True

    def _block_on(
        self, loop: asyncio.AbstractEventLoop, record: Record | None
    ) -> RunningLifespan | None:
        # A test, or a script, that has started them calls the application itself; a
        # fixture that has, has its block elsewhere.
        if record is not None and record.phase in {"starting", "running"}:
            return None
        registry = self._registry()
        block = running.entered_on(loop)
        if block is not None and block.registry is registry:
            return block
        has_failed = record is not None and record.phase == "failed"
        return None if has_failed else running.complete_on(loop, registry)

    def _start_late(self, loop: asyncio.AbstractEventLoop) -> Record:
        record = self.start(loop)
        if self.on_late_start is not None and self.on_late_start(loop):
            return record
        if any(host._is_told(loop) for host in list(_hosts.values())):
            logger.warning(
                "the server's lifespan ends at an application of another registry: "
                "resources of this one start at the first request, and it depends on "
                "the server whether they are closed. To mend it, give both "
                "applications the same registry."
            )
            return record
        name = next((name for name in _FLAGS if name in sys.modules), None)
        logger.warning(
            "the server sent no lifespan: resources start at the first request, and it "
            "depends on the server whether they are closed. To mend it, %s, and let "
            'asgi.py pass scopes of type "lifespan" on to the application.',
            _FLAGS[name] if name else _NO_SERVER,
        )
        return record

    def _is_told(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a server has sent *loop* a lifespan that ended here."""
        record = self._records.get(loop)
        return record is not None and record.lifespan is not None and not record.task

    async def _hold(self, loop: asyncio.AbstractEventLoop, record: Record) -> None:
        scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        try:
            async with self._recorded(loop, record, scope):
                await record.hold()
        except Exception:
            what = "start" if record.phase == "failed" else "stop"
            logger.exception("the lifespan failed to %s", what)

    def _on_held(
        self, loop: asyncio.AbstractEventLoop, record: Record, _task: object
    ) -> None:
        # Cancelled before its first step, a task never enters its coroutine.
        if not record.settled.is_set():
            self._end(loop, record)

    def _close_at_exit(self, loop: asyncio.AbstractEventLoop, record: Record) -> None:
        assert record.task is not None
        close = partial(_close, loop, record)
        at_exit.add(close)
        record.task.add_done_callback(lambda _: at_exit.discard(close))

    # --- Either way

    @asynccontextmanager
    async def _recorded(
        self,
        loop: asyncio.AbstractEventLoop,
        record: Record,
        scope: Scope,
    ) -> AsyncGenerator[None]:
        try:
            registry = self._registry()
            # Not ``or``: a registry of managers alone has no length.
            registry = default_registry if registry is None else registry
            async with run_with_signals(registry, scope) as lifespan:
                record.values = lifespan.state.copy()
                lifespan._mirror(record.values)
                record.lifespan = lifespan
                before = self._records.get(loop)
                if before is not None and before.phase == "running":
                    record.before = before
                record.settle("running")
                self._records[loop] = record
                self._forget_coming(loop, record)
                self._look_for_state(loop)
                try:
                    yield
                except asyncio.CancelledError:
                    # By a second Ctrl-C: its server cancels requests, too.
                    lifespan._will_stop()
                    with shielded():
                        await end_cut_off(loop, LifespanSettings.read().CANCEL_TIMEOUT)
                    raise
                finally:
                    record.settle("stopped")
                    other = record.running_before or self._coming.get(loop)
                    if self._records.get(loop) is record and other is not None:
                        # Another server of this loop goes on, or is about to.
                        self._records[loop] = other
                    self._look_for_state(loop)
        except Exception as error:
            if record.phase == "starting":
                running.failed(error)
            raise
        finally:
            self._end(loop, record)

    def _forget_coming(self, loop: asyncio.AbstractEventLoop, record: Record) -> None:
        if self._coming.get(loop) is record:
            del self._coming[loop]

    def _look_for_state(self, loop: asyncio.AbstractEventLoop) -> None:
        record = self._records.get(loop)
        if record is not None and record.phase == "running" and record.all_have_state:
            self.serving.add(loop)
        else:
            self.serving.discard(loop)

    def _end(self, loop: asyncio.AbstractEventLoop, record: Record) -> None:
        record.lifespan = None
        self._forget_coming(loop, record)
        later = self._records.get(loop)
        while later is not None:  # none of them keeps what has ended
            later.before = later.running_before
            later = later.before
        if record.phase == "starting":
            record.settle("failed")
        # The task, the values and the events know the loop, and would keep it.
        if self._records.get(loop) is record:
            self._records[loop] = Record.of_the_past(record.phase)

    def forget(self) -> None:
        """A forked child has none of its parent's loops."""
        self.serving.clear()
        self._records.clear()
        self._coming.clear()


async def refuse(scope: Scope, send: Send) -> None:
    """Turn a connection away: 503, or a websocket closed with 1013 (RFC 6455)."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain"), (b"retry-after", b"10")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": _UNAVAILABLE})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013})
    else:
        raise ValueError(f"no lifespan runs for a connection of {scope['type']!r}")


_hosts: Final[WeakKeyDictionary[Registry, Host]] = WeakKeyDictionary()


def host_of(registry: Registry | None) -> Host:
    """The one host of *registry*: applications that share it share its lifespans."""
    registry = default_registry if registry is None else registry
    host = _hosts.get(registry)
    if host is None:
        host = _hosts[registry] = Host(registry)
    return host


def _forget_all() -> None:
    for host in list(_hosts.values()):
        host.forget()


os.register_at_fork(after_in_child=_forget_all)


def _close(loop: asyncio.AbstractEventLoop, record: Record) -> None:
    if loop.is_closed():
        return
    if loop.is_running():
        settings = LifespanSettings.read()
        seconds = min(settings.STOP_BUDGET + 2, threading.TIMEOUT_MAX)
        asyncio.run_coroutine_threadsafe(record.stop(), loop).result(seconds)
    else:
        loop.run_until_complete(record.stop())
