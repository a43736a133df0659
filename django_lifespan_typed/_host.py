"""Which lifespan serves which event loop of an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, Final, Literal, TypeAlias, final
from weakref import WeakKeyDictionary

from ._dispatch import send
from ._lifespan import Lifespan
from ._registry import Registry
from ._settings import LifespanSettings
from ._source import source_of
from .signals import asgi_lifespan, asgi_shutdown, asgi_startup
from .types import Scope

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

logger: Final = logging.getLogger(__package__)

Phase: TypeAlias = Literal["starting", "running", "failed", "stopped"]

# What makes each server send the lifespan that it did not send.
_FLAGS: Final = {
    "uvicorn": "run uvicorn with --lifespan on",
    "gunicorn": "run gunicorn -k asgi with --asgi-lifespan on",
    "granian": "run granian with --interface asgi",
    "hypercorn": "hypercorn always sends it",
}


@final
class _Record:
    """What is known of the lifespan of one event loop."""

    def __init__(self) -> None:
        self.phase: Phase = "starting"
        self.values: dict[str, Any] = {}
        self.settled = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def settle(self, phase: Phase) -> None:
        self.phase = phase
        self.settled.set()


@final
class Host:
    """Brings a lifespan of *registry* to each event loop that serves requests."""

    def __init__(self, registry: Registry) -> None:
        self.serving: set[asyncio.AbstractEventLoop] = set()
        """The loops whose requests come with the state and need nothing more."""
        self._registry = registry
        # Weak: who has ended a loop may forget it, and we with them.
        self._records: WeakKeyDictionary[asyncio.AbstractEventLoop, _Record] = (
            WeakKeyDictionary()
        )

    @asynccontextmanager
    async def lifespan(self, scope: Scope) -> AsyncGenerator[None]:
        """Serve the running loop: resources, then signals, then requests."""
        loop = asyncio.get_running_loop()
        record = self._records[loop] = _Record()
        async with self._recorded(loop, record, scope):
            if "state" in scope:
                self.serving.add(loop)
            yield

    async def admit(self, scope: Scope) -> bool:
        """
        Whether a request may be served, once the start is over. It is given the state
        where its server has none; where the server sends no lifespan, the first
        request starts one.
        """
        loop = asyncio.get_running_loop()
        record = self._records.get(loop)
        if record is None:
            record = self._start_late(loop)
        if not record.settled.is_set():
            await record.settled.wait()
        if record.phase != "running":
            return False
        scope["state"] = {**record.values, **scope.get("state", {})}
        return True

    @asynccontextmanager
    async def _recorded(
        self, loop: asyncio.AbstractEventLoop, record: _Record, scope: Scope
    ) -> AsyncGenerator[None]:
        try:
            async with run_with_signals(self._registry, scope) as lifespan:
                record.values = lifespan.state.copy()
                record.settle("running")
                try:
                    yield
                finally:
                    self.serving.discard(loop)
                    record.settle("stopped")
        finally:
            if record.phase == "starting":
                record.settle("failed")

    def _start_late(self, loop: asyncio.AbstractEventLoop) -> _Record:
        name = next((name for name in _FLAGS if name in sys.modules), None)
        logger.warning(
            "the server sent no lifespan: resources start at the first request, and it "
            "depends on the server whether they are closed. To mend it, %s, and let "
            'asgi.py pass scopes of type "lifespan" on to the application.',
            _FLAGS[name] if name else "serve with a server that sends it",
        )
        record = self._records[loop] = _Record()
        # An empty context: what belongs to the first request ends with it.
        holding = self._hold(loop, record)
        record.task = Context().run(lambda: loop.create_task(holding, name="lifespan"))
        return record

    async def _hold(self, loop: asyncio.AbstractEventLoop, record: _Record) -> None:
        scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        try:
            async with self._recorded(loop, record, scope):
                # Until the loop, at its end, cancels what still runs on it.
                await loop.create_future()
        except Exception:
            what = "start" if record.phase == "failed" else "stop"
            logger.exception("the lifespan failed to %s", what)


@asynccontextmanager
async def run_with_signals(
    registry: Registry, scope: Scope
) -> AsyncGenerator[Lifespan]:
    """
    A lifespan, with Django's signals round it: ``asgi_lifespan`` before resources
    start, ``asgi_startup`` after; ``asgi_shutdown`` before they stop.
    """
    settings = LifespanSettings.read()
    lifespan = Lifespan(await _with_managers(registry, scope, settings))
    state = await lifespan.__aenter__()
    try:
        _share(state.copy(), scope)
        await send(
            asgi_startup, timeout=settings.START_TIMEOUT, scope=scope, state=state
        )
        state.update(scope.get("state", {}))
        _share(state.copy(), scope)
        yield lifespan
    except BaseException:
        for problem in await _stop(lifespan, scope, settings):
            logger.error("the lifespan failed to stop", exc_info=problem)
        raise
    errors = await _stop(lifespan, scope, settings)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("the lifespan failed to stop", errors)


async def _stop(
    lifespan: Lifespan, scope: Scope, settings: LifespanSettings
) -> list[Exception]:
    errors: list[Exception] = []
    try:
        await send(
            asgi_shutdown,
            timeout=settings.STOP_TIMEOUT,
            scope=scope,
            state=lifespan.state,
        )
    except Exception as error:  # noqa: BLE001 - the stop visits everybody
        errors.append(error)
    finally:
        try:
            await lifespan.__aexit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - collected
            errors.append(error)
    return errors


async def _with_managers(
    registry: Registry, scope: Scope, settings: LifespanSettings
) -> Registry:
    found = await send(
        asgi_lifespan,
        timeout=settings.START_TIMEOUT,
        scope=scope,
        state=scope.get("state", {}),
    )
    if not found:
        return registry
    extended = registry.copy()
    for manager in found:
        extended.add_manager(manager, source_of(manager))
    return extended


def _share(values: dict[str, Any], scope: Scope) -> None:
    # The server copies this dictionary for each request; it is never read back at
    # the stop, because some servers clear it before (ASGI: "Lifespan State").
    if "state" in scope:
        scope["state"].update(values)
