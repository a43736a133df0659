"""Daphne, which sends no lifespan: starts and stops one with its reactor."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from functools import partial
from multiprocessing import parent_process
from typing import Any, Final

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred

from .._settings import LifespanSettings
from .gate import Gate, ServedLoop

# The exit code of uvicorn and others for an application that failed to start.
_STARTUP_FAILED: Final = 3


def attach(gate: Gate) -> None:
    """
    Start the lifespan of *gate* as soon as Daphne's reactor runs.

    Daphne installs its reactor before it imports the application. Under another server,
    or in a management command, that reactor never runs and nothing starts.
    """
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if isinstance(reactor, AsyncioSelectorReactor) and gate.on_late_start is None:
        # Channels' live server test case forks and installs another reactor.
        gate.on_late_start = partial(_start_with_reactor, gate)
        reactor.callWhenRunning(_start, gate, reactor)


def _start_with_reactor(gate: Gate, loop: asyncio.AbstractEventLoop) -> bool:
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if getattr(reactor, "_asyncioEventloop", None) is not loop:
        return False  # another server, in a project that has Daphne, too
    _start(gate, reactor)
    return True


def _start(gate: Gate, reactor: Any) -> None:
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    served = gate.start(loop)

    def stop() -> object:
        # Daphne cancels requests but leaves Django's views running, and fails to cancel
        # the requests that come after one that is still being uploaded.
        served.requests.cancel_views()
        deferred: Any = Deferred  # Twisted's own annotations are incomplete
        return deferred.fromFuture(loop.create_task(_stop(served)))

    # Added while the reactor runs, so that it is called after Daphne's own trigger.
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    if parent_process() is not None:
        _stop_at_sigterm(reactor)
    assert served.late_start is not None, "Daphne sends no lifespan"
    served.late_start.add_done_callback(lambda _: _exit_if_failed(served, reactor))


async def _stop(served: ServedLoop) -> None:
    await served.requests.end(LifespanSettings.read().STOP_TIMEOUT)
    await served.stop()


def _stop_at_sigterm(reactor: Any) -> None:
    # Channels' live server test case runs Daphne in a child without signal handlers and
    # ends it with SIGTERM, which would shut nothing down.
    def on_sigterm(_number: int, _frame: object) -> None:
        reactor.callFromThread(reactor.stop)

    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, on_sigterm)


def _exit_if_failed(served: ServedLoop, reactor: Any) -> None:
    if served.phase != "failed" or served.stop_requested.is_set():
        return
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(_STARTUP_FAILED)  # passes through the reactor's loop
    # Under the autoreloader, which goes on watching for changes.
    reactor.stop()
